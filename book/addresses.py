"""Where the repository and the site are, for a _config.yml that leaves it open: what the CI says, or the clone.

A fork's first build so has working links. What is worked out here makes links only; linewalk is installed from no
address but one that a person has written into _config.yml.
"""

import os
import re
import subprocess
from urllib.parse import urlsplit

# Between a repository's address and a file or a commit of it, where a host does not say it as GitHub and Gitee do.
WAYS = {
    "gitlab": {"view": "-/blob", "edit": "-/edit", "commit": "-/commit"},
    "codeberg": {"view": "src/branch", "edit": "_edit"},
    "gitea": {"view": "src/branch", "edit": "_edit"},
    "forgejo": {"view": "src/branch", "edit": "_edit"},
    "bitbucket": {"view": "src", "edit": "src", "commit": "commits"},
}
GITHUBS = {"view": "blob", "edit": "edit", "commit": "commit"}
PATH = re.compile(r"(?:/[\w.~+-]+)+")
# Where port 22 is closed, git goes to these hosts; the pages are at the others.
SSH_HOSTS = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
# git's short form, host:path. A host without a dot is an alias of ~/.ssh/config, or a drive of Windows.
SHORT = re.compile(r"(?:[^@/\s]+@)?([\w-]+(?:\.[\w-]+)+):(?!//)/?(.+)")


def addresses(root, environment=os.environ):
    """(the repository's, the site's), each "" where nothing says it."""
    return repository(root, environment), site(environment)


def repository(root, environment):
    server, name = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    if server and name:
        return public(f"{server}/{name}")
    return public(environment.get("CI_PROJECT_URL") or origin(root))


def site(environment):
    """GitLab says it; GitHub Pages is where it is unless a domain of one's own is set, to which it forwards."""
    if address := public(environment.get("PAGES_URL") or environment.get("CI_PAGES_URL")):
        return address
    owner, _, name = environment.get("GITHUB_REPOSITORY", "").partition("/")
    if not name or environment.get("GITHUB_SERVER_URL") != "https://github.com":
        return ""
    host = f"{owner.lower()}.github.io"
    return public(f"https://{host}" if name.lower() == host else f"https://{host}/{name}")


def origin(root):
    """What the clone calls origin, where `root` is the clone's own top: links name files from there."""
    try:
        git = ["git", "-C", str(root)]
        top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True, timeout=10)
        if top.returncode or not os.path.samefile(top.stdout.rstrip("\n"), root):
            return ""
        url = subprocess.run([*git, "config", "--get", "remote.origin.url"], capture_output=True, text=True, timeout=10)
        return url.stdout.strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):  # without git, there is nothing to know
        return ""


def within(repository, way, *names):
    """The address of a file (way "view" or "edit": branch, path) or of a commit (way "commit": its name)."""
    ways = next((ways for host, ways in WAYS.items() if host in urlsplit(repository).netloc), {})
    return "/".join([repository.rstrip("/").removesuffix(".git"), (GITHUBS | ways)[way], *names])


def public(address):
    """The address for a browser, without the name, password or token in it; "" for what is none, as a path is."""
    if not address:
        return ""
    if short := SHORT.fullmatch(address):
        address = f"ssh://{short[1]}/{short[2]}"
    try:
        parts = urlsplit(address)
        host, port = SSH_HOSTS.get(parts.hostname, parts.hostname or ""), parts.port
    except ValueError:
        return ""
    path = parts.path.rstrip("/").removesuffix(".git")
    if parts.scheme not in ("https", "http", "ssh", "git", "git+ssh") or "." not in host or host.startswith("127."):
        return ""
    if path and not PATH.fullmatch(path):
        return ""
    web = parts.scheme in ("https", "http")
    return f"{parts.scheme if web else 'https'}://{host}{f':{port}' if web and port else ''}{path}"
