"""What must not lie about goes: at the end, after an error, and after a process that could not tidy up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.store.private_folder import private_folder


def test_only_its_owner_may_enter_and_it_goes(tmp_path: Path) -> None:
    with private_folder(tmp_path) as room:
        assert room.stat().st_mode & 0o777 == 0o700
        (room / "copy").write_text("Zanzibar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_it_goes_whatever_happens(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        _interrupted(tmp_path, error)
    assert list(tmp_path.iterdir()) == []


def _interrupted(beside: Path, error: type[BaseException]) -> None:
    with private_folder(beside) as room:
        (room / "copy").write_text("Zanzibar")
        raise error


def test_those_of_the_living_stay_and_those_of_the_dead_go(tmp_path: Path) -> None:
    with private_folder(tmp_path) as first, private_folder(tmp_path) as second:
        assert first.exists()
        assert second.exists()
    killed = (
        "import os, signal, sys; from pathlib import Path; from service.store.private_folder import private_folder\n"
        "with private_folder(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with private_folder(tmp_path) as room:
        assert list(tmp_path.iterdir()) == [room]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), private_folder(tmp_path / "nowhere"):
        pass
