"""Lists what the site gives out and what linewalk runs on: a CycloneDX bill of materials, beside the wheel."""

import base64
import hashlib
import importlib.metadata
import json
import re
import uuid
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from licences import licence_of, makes
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]
# The same sources give the same bytes; 1980 is where a wheel's zip begins.
TIME = datetime(1980, 1, 1, tzinfo=timezone.utc)


def write_sbom(wheel, root=ROOT):
    """Writes sbom.cdx.json beside the wheel: the wheel, what it requires as installed here, the browser's packages."""
    content = wheel.read_bytes()
    version = importlib.metadata.version("linewalk")
    linewalk = component("pypi", "linewalk", version, [("SHA-256", hashlib.sha256(content).hexdigest())], "MIT")
    graph = requirements_of("linewalk")
    installed = {name: installed_component(name) for name in graph if name != "linewalk"}
    bom = Bom(components=[*installed.values(), *shipped_to_browsers(root)])
    bom.metadata.component, bom.metadata.timestamp = linewalk, TIME
    for name, required in graph.items():
        bom.register_dependency(installed.get(name, linewalk), [installed[other] for other in required])
    inventory = "\n".join(sorted(part.bom_ref.value for part in bom.components))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(content + inventory.encode()).hexdigest())
    target = wheel.with_name("sbom.cdx.json")
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=1), encoding="utf-8")
    return target


def requirements_of(name):
    """Package → the packages that it requires, for `name` and all that it needs here."""
    graph, waiting = {}, [name]
    while waiting:
        if (package := waiting.pop()) not in graph:
            graph[package] = sorted(filter(is_installed, {
                normal(re.match(r"[\w.-]+", requirement)[0])
                for requirement in importlib.metadata.requires(package) or []
                if "extra ==" not in requirement
            }))
            waiting += graph[package]
    return graph


def is_installed(name):
    """Not so where it is for another system or Python."""
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def installed_component(name):
    about = importlib.metadata.metadata(name)
    return component("pypi", name, about["Version"], [], licence_of(about))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def shipped_to_browsers(root):
    """A component for each npm package that the site's scripts are made of, or with."""
    found = {}
    for path in sorted(root.glob("book/*/package-lock.json")):
        for place, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
            if place:
                found[place.rpartition("node_modules/")[2], package["version"]] = package
    for (name, version), package in sorted(found.items()):
        kind, _, value = package["integrity"].partition("-")
        hashes = [({"sha512": "SHA-512", "sha256": "SHA-256"}[kind], base64.b64decode(value).hex())]
        yield component("npm", name, version, hashes, package.get("license"), not makes(name))


def component(registry, name, version, hashes, licence, shipped=True):
    namespace, _, plain = name.rpartition("/")
    address = PackageURL(registry, namespace or None, plain, version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=address,
        bom_ref=address.to_string(),
        scope=ComponentScope.REQUIRED if shipped else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm(kind), content=value) for kind, value in hashes],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )
