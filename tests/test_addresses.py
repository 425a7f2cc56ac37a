"""Where the repository and the site are, as the CI or the clone says, for a _config.yml that leaves it open."""

import shutil
import subprocess

import pytest
import yaml
from addresses import addresses, public
from conftest import ROOT
from snapshot import Snapshot

GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "Ann/book"}


@pytest.fixture
def clone(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    git("init")
    return tmp_path, git


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/ann/book.git", "https://github.com/ann/book"),
        ("https://github.com/ann/book/", "https://github.com/ann/book"),
        ("https://ann:s3cret@github.com/ann/book.git", "https://github.com/ann/book"),
        ("https://ghp_s3cret@github.com/ann/book", "https://github.com/ann/book"),
        ("https://oauth2:s3cret@gitlab.example:8443/group/sub/book.git", "https://gitlab.example:8443/group/sub/book"),
        ("git@github.com:ann/book.git", "https://github.com/ann/book"),
        ("git@gitee.com:ann/book", "https://gitee.com/ann/book"),
        ("gitee.com:ann/book.git", "https://gitee.com/ann/book"),
        ("ssh://git@gitlab.example:2222/ann/book.git", "https://gitlab.example/ann/book"),
        ("ssh://git@ssh.github.com:443/ann/book.git", "https://github.com/ann/book"),
        ("git@altssh.gitlab.com:g/sub/book.git", "https://gitlab.com/g/sub/book"),
        ("git://github.com/ann/book.git", "https://github.com/ann/book"),
        ("http://git.school.example/ann/book?token=s3cret#s3cret", "http://git.school.example/ann/book"),
        ("/srv/git/book.git", ""),
        ("../book", ""),
        ("file:///srv/git/book.git", ""),
        ("C:\\\\git\\\\book", ""),
        ("C:/git/book", ""),
        ("work:ann/book", ""),  # an alias of ~/.ssh/config
        ("http://127.0.0.1:3000/ann/book", ""),
        ("http://localhost/ann/book", ""),
        ("https://github.com:port/ann/book", ""),
        ("https://github.com/ann/\"><script>", ""),
        ("", ""),
    ],
)
def test_a_remote_becomes_an_address_for_a_browser(clone, remote, address):
    folder, git = clone
    git("config", "remote.origin.url", remote)
    assert addresses(folder, {}) == (address, "")
    assert "s3cret" not in public(remote)


def test_a_folder_of_a_clone_and_what_is_no_clone_have_no_address(clone, tmp_path_factory):
    folder, git = clone
    git("config", "remote.origin.url", "https://github.com/ann/other")
    (folder / "book").mkdir()
    assert addresses(folder / "book", {}) == ("", "")
    assert addresses(tmp_path_factory.mktemp("plain"), {}) == ("", "")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (GITHUB, ("https://github.com/Ann/book", "https://ann.github.io/book")),
        ({**GITHUB, "GITHUB_REPOSITORY": "Ann/ann.github.io"}, ("https://github.com/Ann/ann.github.io", "https://ann.github.io")),
        ({**GITHUB, "PAGES_URL": "https://book.example/"}, ("https://github.com/Ann/book", "https://book.example")),
        ({**GITHUB, "GITHUB_SERVER_URL": "https://git.example"}, ("https://git.example/Ann/book", "")),
        (
            {"CI_PROJECT_URL": "https://gitlab.com/g/sub/book", "CI_PAGES_URL": "https://g.gitlab.io/sub/book"},
            ("https://gitlab.com/g/sub/book", "https://g.gitlab.io/sub/book"),
        ),
        ({}, ("https://gitee.com/ann/book", "")),
    ],
)
def test_what_a_ci_says_comes_before_the_clone(clone, environment, found):
    folder, git = clone
    git("config", "remote.origin.url", "git@gitee.com:ann/book.git")
    assert addresses(folder, environment) == found


def test_what_config_names_stays_and_what_was_found_counts_as_read(clone, monkeypatch):
    folder, git = clone
    for name in ("GITHUB_REPOSITORY", "CI_PROJECT_URL", "CI_PAGES_URL", "PAGES_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder)
    without = Snapshot(folder)
    git("config", "remote.origin.url", "git@gitee.com:ann/book.git")
    found = Snapshot(folder)
    assert found.config()["repository"] == {"url": "https://gitee.com/ann/book", "branch": "main"}
    assert found.digest() != without.digest() and found.digest("_config.yml") == without.digest("_config.yml")
    config = found.yaml("_config.yml")
    config["repository"]["url"], config["html"]["baseurl"] = "https://github.com/bob/book", "https://bob.example/"
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    named = Snapshot(folder).config()
    assert (named["repository"]["url"], named["html"]["baseurl"]) == ("https://github.com/bob/book", "https://bob.example/")
