"""A signature of Amazon's version 4 for a request without body or query: enough to make a bucket without a library.
Source: the AWS General Reference, "Create a signed AWS API request"."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

from towpath.lab.ports import HOST

_EMPTY = hashlib.sha256(b"").hexdigest()


def signed(method: str, path: str, port: int, access_key: str, secret_key: str, region: str) -> dict[str, str]:
    """The headers that such a request to this machine needs. `path` must need no percent-encoding."""
    now = datetime.now(UTC)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": f"{HOST}:{port}", "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    scope = f"{day}/{region}/s3/aws4_request"
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{_EMPTY}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    credential = f"Credential={access_key}/{scope}, SignedHeaders={names}, Signature={_mac(key, text).hex()}"
    return {**headers, "authorization": f"AWS4-HMAC-SHA256 {credential}"}


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
