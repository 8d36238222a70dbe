"""What containers and pods ask of a server is answered as they need it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.deploy.started import instruction
from tests.journeys.api import Api
from tests.processes.running import free_port


def test_the_images_health_check_is_content_with_a_server_that_lives_and_with_no_other(api: Api) -> None:
    # The last list of the Dockerfile that follows HEALTHCHECK.
    _, *arguments = instruction("HEALTHCHECK")
    for port, code in ((api.port, 0), (free_port(), 1)):
        variables = {**os.environ, "IRONFORGE_PORT": str(port)}
        ended = subprocess.run([sys.executable, *arguments], env=variables, capture_output=True, check=False)
        assert ended.returncode == code, ended.stderr


def test_a_probe_names_a_host_of_ours_since_the_address_of_a_pod_is_none(api: Api) -> None:
    for path in ("/health/live", "/health/ready"):
        assert api.ask("GET", path, Host="localhost").status == 200
        assert api.ask("GET", path, Host="10.1.2.3:3000").status == 400
