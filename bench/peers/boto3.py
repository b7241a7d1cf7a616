"""boto3's own transfers of the same bytes, as they are."""

from typing import Any

import boto3

Spec = dict[str, Any]


def _client(spec: Spec) -> Any:
    return boto3.client(
        "s3", endpoint_url=spec["endpoint"], aws_access_key_id=spec["access_key"],
        aws_secret_access_key=spec["secret_key"], region_name="us-east-1",
    )  # fmt: skip


def upload(spec: Spec) -> None:
    _client(spec).upload_file(spec["source"], spec["bucket"], spec["object"])


def download(spec: Spec) -> None:
    _client(spec).download_file(spec["bucket"], spec["object"], spec["to"])
