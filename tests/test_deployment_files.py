"""What a sysadmin copies from docs: units that systemd understands, a proxy that logs no secret, real settings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.config import known_names

HERE = Path(__file__).resolve().parent.parent
UNITS = HERE / "docs" / "systemd"
NAME = re.compile(r"\bLASELI_[A-Z]+(?:_{1,2}[A-Z]+)*\b(?!_*\*|_*…|_*\.\.\.)")
OPENSSL = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout privkey.pem -out fullchain.pem"


def test_every_setting_in_docs_exists() -> None:
    known = known_names()
    wrong = []
    pages = [HERE / "README.md", *(HERE / "docs").rglob("*.md"), *UNITS.iterdir(), HERE / "docs" / "nginx.conf"]
    for page in pages:
        for name in sorted(set(NAME.findall(page.read_text("utf-8")))):
            if name not in known and not any(one.startswith(f"{name}__") for one in known):
                wrong.append(f"{page.name}: {name}")
    assert not wrong, wrong


def test_every_setting_is_told_in_running() -> None:
    """By its whole name, or by its last part beside a sister's (`LASELI_BUDGET__DAY_FCFA`, `__CAMPAIGN_FCFA`)."""
    told = (HERE / "docs" / "running.md").read_text("utf-8")
    missing = [
        name
        for name in known_names()
        if f"`{name}`" not in told and not re.search(rf"`[A-Z_]*{re.escape('_' + name.rpartition('__')[2])}`", told)
    ]
    assert set(missing) <= {"LASELI_DEMO_SECRET"}, missing


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS.glob("laseli-*"):
        (tmp_path / unit.name).write_text(unit.read_text("utf-8").replace("/opt/laseli/.venv/bin/laseli", "/bin/true"))
    units = sorted(map(str, tmp_path.iterdir()))
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    ours = [line for line in said.stderr.splitlines() if "laseli" in line]
    assert not ours, ours


def test_services_write_only_where_the_database_stands() -> None:
    """`ProtectSystem=strict` without a folder of its own would leave SQLite no place to write."""
    for name in ("laseli-web", "laseli-worker"):
        unit = (UNITS / f"{name}.service").read_text("utf-8")
        assert {"StateDirectory=laseli", "UMask=0077", "RestartPreventExitStatus=78"} <= set(unit.splitlines())


def test_the_proxy_logs_no_path() -> None:
    text = (HERE / "docs" / "nginx.conf").read_text("utf-8")
    servers = text.split("server {")[1:]
    assert all("access_log off;" in one for one in servers)
    assert "error_log /var/log/nginx/laseli.error.log crit;" in text


@pytest.mark.skipif(not (shutil.which("nginx") and shutil.which("openssl")), reason="no nginx here")
def test_nginx_understands_the_proxy(tmp_path: Path) -> None:
    subprocess.run(OPENSSL.split(), check=True, cwd=tmp_path, capture_output=True, timeout=60)
    text = (HERE / "docs" / "nginx.conf").read_text("utf-8")
    text = text.replace("/etc/letsencrypt/live/ALERTES.EXAMPLE.ORG", str(tmp_path))
    text = text.replace("/var/log/nginx", str(tmp_path))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    text += "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ {text} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    said = subprocess.run(["nginx", "-t", "-c", f"{tmp_path}/nginx.conf"], capture_output=True, text=True, timeout=30)
    assert said.returncode == 0, said.stderr
