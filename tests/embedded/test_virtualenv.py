"""A virtual environment is used only when it is whole; the locks that fill it name no place."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from rebalancer.embedded import installer, virtualenv
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.locks import check_names_no_place
from rebalancer.embedded.state import CHECKOUT
from rebalancer.embedded.virtualenv import Stamp, ask_version, python_of, read_stamp, why_not_whole, write_stamp

LOCKS = ["base", "test", "dev", "installer"]
PYTHON = ".".join(str(part) for part in sys.version_info[:3])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A whole environment with nothing installed."""
    made = tmp_path / ".venv"
    venv.create(made, with_pip=False, symlinks=True)
    write_stamp(made, Stamp(PYTHON, str(made), {}))
    return made


def versions(group: str) -> dict[str, str]:
    lines = (virtualenv.REQUIREMENTS / f"{group}.lock").read_text().splitlines()
    pins = [line.split(" ")[0].split("==") for line in lines if line[:1].isalnum()]
    return {pin[0]: pin[1] for pin in pins}


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Locks of no packages at all."""
    made = tmp_path / "requirements"
    made.mkdir()
    for group in LOCKS:
        (made / f"{group}.lock").write_text("# nothing\n")
    return made


def test_a_whole_environment_has_nothing_against_it(place: Path):
    assert why_not_whole(place) == ""


def test_an_environment_that_is_not_there_has_nothing_against_it(tmp_path: Path):
    assert why_not_whole(tmp_path / ".venv") == ""


def test_an_interrupted_set_up_is_noticed(place: Path):
    (place / virtualenv.UNFINISHED).touch()

    assert why_not_whole(place) == "was left half-built by an interrupted set-up"


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"python": "3.11'], ids=str)
def test_an_environment_without_a_readable_stamp_is_not_ours(place: Path, content: str | None):
    (place / virtualenv.STAMP).unlink()
    if content is not None:
        (place / virtualenv.STAMP).write_text(content)

    assert why_not_whole(place) == "was not made by dev.py, or is damaged"


def test_a_moved_environment_is_noticed(place: Path, tmp_path: Path):
    moved = tmp_path / "elsewhere"
    place.rename(moved)

    assert why_not_whole(moved) == f"was moved here from {place}"


def test_a_python_that_was_taken_away_is_noticed(place: Path, tmp_path: Path):
    for name in ("python", "python3"):
        (place / "bin" / name).unlink(missing_ok=True)
        (place / "bin" / name).symlink_to(tmp_path / "gone")

    assert why_not_whole(place) == "has a Python that no longer starts"


def test_a_python_that_was_upgraded_is_noticed(place: Path):
    write_stamp(place, Stamp("3.11.0", str(place), {}))

    assert why_not_whole(place) == f"was made by Python 3.11.0 and now has Python {PYTHON}"


def test_a_half_built_environment_is_made_anew_and_a_whole_one_is_left_alone(place: Path, locks: Path):
    (place / virtualenv.UNFINISHED).touch()
    (place / "leftover").touch()
    said: list[str] = []

    python = virtualenv.ready("test", say=said.append, place=place, locks=locks)
    first = [line for line in said if not line.startswith("  ")]
    virtualenv.ready("base", say=said.append, place=place, locks=locks)

    assert first == [
        f"{place} was left half-built by an interrupted set-up: making it anew",
        f"making {place} with Python {PYTHON}",
        "installing 0 packages of requirements/test.lock",
    ]
    assert [line for line in said if not line.startswith("  ")] == first
    assert (ask_version(place), python, (place / "leftover").exists()) == (PYTHON, python_of(place), False)
    assert read_stamp(place) == Stamp(PYTHON, str(place), {"test": virtualenv.digest("test", locks)})


def test_an_installation_that_does_not_come_to_its_end_leaves_its_mark(
    place: Path, locks: Path, monkeypatch: pytest.MonkeyPatch
):
    (locks / "base.lock").write_text(f"nowhere==1 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(CannotRun):
        virtualenv.ready("base", say=print, place=place, locks=locks)

    assert why_not_whole(place) == "was left half-built by an interrupted set-up"


def test_an_index_without_the_packages_is_one_sentence(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    with pytest.raises(CannotRun) as refusal:
        installer.install(python_of(place), virtualenv.REQUIREMENTS / "installer.lock", print)

    assert str(refusal.value).split(" pip said: ")[0] == (
        "The packages could not be fetched: check the network, the proxy (HTTPS_PROXY) and the index "
        "(`pip config list`, PIP_INDEX_URL), then run the command again."
    )


def test_what_pip_is_configured_with_is_handed_to_uv(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("PIP_FIND_LINKS", "PIP_CERT", *installer.PIP_TO_UV.values()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://one.example/simple https://two.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")

    assert installer.uv_environment(python_of(place)) == {
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


@pytest.mark.parametrize("group", LOCKS)
def test_a_lock_names_no_host_and_no_path(group: str):
    check_names_no_place(virtualenv.REQUIREMENTS / f"{group}.lock")


@pytest.mark.parametrize("group", LOCKS)
def test_every_package_of_a_lock_has_its_hashes(group: str):
    entries = (virtualenv.REQUIREMENTS / f"{group}.lock").read_text().replace("\\\n", " ").splitlines()

    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(("smaller", "larger"), [("base", "test"), ("test", "dev")])
def test_a_larger_lock_holds_every_version_of_a_smaller_one(smaller: str, larger: str):
    assert versions(smaller).items() - versions(larger).items() == set()


def test_the_environment_is_rebuilt_by_the_door_itself(tmp_path: Path):
    copy = tmp_path / "checkout"
    for part in ("dev.py", "requirements", "rebalancer/embedded", "rebalancer/__init__.py"):
        source, target = CHECKOUT / part, copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    (copy / ".venv").mkdir()
    (copy / ".venv" / virtualenv.UNFINISHED).touch()
    nothing = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "UV_OFFLINE": "1"}

    result = subprocess.run(
        [sys.executable, copy / "dev.py", "manage", "version"], env=nothing, capture_output=True, text=True, check=False
    )

    said = [line for line in result.stderr.splitlines() if not line.startswith("  ")]
    assert (result.returncode, said[:2]) == (
        1,
        [
            f"{copy / '.venv'} was left half-built by an interrupted set-up: making it anew",
            f"making {copy / '.venv'} with Python {PYTHON}",
        ],
    )
    assert said[-1].startswith("The packages could not be fetched: ")
