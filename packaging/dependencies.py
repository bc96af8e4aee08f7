"""Describes the crates whose code is in the programs: a list for scanners (SBOM) and the notices of their licenses."""
from collections import defaultdict
from datetime import UTC, datetime
import json
from pathlib import Path
import re
import subprocess
import sys
import tomllib
import uuid

# The texts for crates that contain none, as CRATE.txt.
LICENSES = Path(__file__).resolve().parent / "licenses"
LICENSE_FILE = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", re.IGNORECASE)
# What is in these folders of a crate isn't in the programs.
OTHER_FOLDERS = {"benches", "examples", "fuzz", "tests"}
# x86_64-win7-windows-gnu, the target of .ci/windows, has the same crates as x86_64-pc-windows-msvc.
TARGETS = {"x64": "x86_64-pc-windows-msvc", "arm64": "aarch64-pc-windows-msvc"}


class Dependencies:
    """The crates whose code is in the programs for some architectures."""

    def __init__(self, root, architectures):
        targets = {arch: TARGETS[arch] for arch in architectures}
        filters = [f"--filter-platform={target}" for target in targets.values()]
        metadata = json.loads(cargo(root, "metadata", "--format-version=1", *filters))
        packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
        self.edges = defaultdict(set)
        self.crates = {}
        for arch, target in targets.items():
            self.top, edges = normal_edges(root, target)
            for package, children in edges.items():
                self.edges[package] |= children
            self.crates[arch] = [packages[package] for package in sorted(edges) if package != self.top]
        self.packages = {package: packages[package] for package in sorted(self.edges)}
        locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
        self.sums = {(package["name"], package["version"]): package.get("checksum") for package in locked}

    def sbom(self, version, time, url):
        """Returns the list for all architectures together, as CycloneDX 1.5."""
        top = self.packages[self.top]
        crates = [crate for package, crate in self.packages.items() if package != self.top]
        program = {
            "type": "application",
            "bom-ref": f"msipcfg@{version}",
            "name": "msipcfg",
            "version": version,
            "description": top["description"],
            "licenses": [{"expression": top["license"]}],
            "externalReferences": [{"type": "website", "url": url}],
        }
        refs = {package: purl(crate) for package, crate in self.packages.items()}
        refs[self.top] = program["bom-ref"]
        edges = {refs[package]: sorted(refs[child] for child in self.edges[package]) for package in self.packages}
        components = [self.component(crate) for crate in crates]
        for crate in crates:
            if crate["name"] == "libsqlite3-sys":
                sqlite = sqlite_component(crate)
                components.append(sqlite)
                edges[purl(crate)] += [sqlite["bom-ref"]]
                edges[sqlite["bom-ref"]] = []
        content = {
            "metadata": {
                "timestamp": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "component": program,
            },
            "components": components,
            "dependencies": [{"ref": ref, "dependsOn": edges[ref]} for ref in sorted(edges)],
        }
        serial = uuid.uuid5(uuid.NAMESPACE_URL, url + json.dumps(content, sort_keys=True))
        head = {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{serial}", "version": 1}
        return json.dumps(head | content, indent=2) + "\n"

    def component(self, crate):
        component = {
            "type": "library",
            "bom-ref": purl(crate),
            "name": crate["name"],
            "version": crate["version"],
            "purl": purl(crate),
            "licenses": [{"expression": license_of(crate)}],
        }
        if checksum := self.sums.get((crate["name"], crate["version"])):
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if crate["repository"]:
            component["externalReferences"] = [{"type": "vcs", "url": crate["repository"]}]
        return component

    def notices(self, arch):
        """Returns the notices for one architecture. A text that several crates have appears once."""
        users = defaultdict(list)
        lines = [
            "msipcfg contains the following software. LICENSE-MIT.txt and LICENSE-APACHE.txt are its own licenses.",
            "",
            "Rust's standard library: MIT OR Apache-2.0, https://github.com/rust-lang/rust",
            "    Copyright (c) The Rust Project Contributors",
            "SQLite: in the public domain, https://sqlite.org",
        ]
        for crate in self.crates[arch]:
            name = f"{crate['name']} {crate['version']}"
            address = crate["repository"] or f"https://crates.io/crates/{crate['name']}"
            lines.append(f"{name}: {license_of(crate)}, {address}")
            for folder, text in license_texts(crate):
                users[text].append(f"{name}, {folder}" if folder else name)
        for text, names in sorted(users.items(), key=lambda item: item[1]):
            lines += ["", "=" * 100, *names, "-" * 100, text]
        return "\n".join(lines) + "\n"


def cargo(root, command, *arguments):
    command = ["cargo", command, "--locked", "--color=never", *arguments]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def normal_edges(root, target):
    """Returns the top package, and for each package the packages that it depends on, as names with versions."""
    # The graph of `cargo metadata` isn't used, because it has dependencies whose features are off. Macros run in the
    # compiler, so they aren't in the programs.
    options = [f"--target={target}", "--edges=normal,no-proc-macro", "--prefix=depth", "--format= {p}"]
    edges = defaultdict(set)
    path = []
    for line in cargo(root, "tree", *options).splitlines():
        depth, name, version = line.split()[:3]
        package = (name, version.removeprefix("v"))
        path[int(depth) :] = [package]
        edges[package] |= set()
        if len(path) > 1:
            edges[path[-2]].add(package)
    return path[0], edges


def purl(crate):
    return f"pkg:cargo/{crate['name']}@{crate['version'].replace('+', '%2B')}"


def license_of(crate):
    # an old way to write OR
    return crate["license"].replace("/", " OR ").replace("  ", " ")


def license_texts(crate):
    """Returns each text once, with its folder in the crate: code from another project has its own license there."""
    top = Path(crate["manifest_path"]).parent
    files = sorted(file.relative_to(top) for file in top.rglob("*") if file.is_file() and file.suffix != ".rs")
    texts = {}
    for file in files:
        if any(map(LICENSE_FILE.match, file.parts)) and OTHER_FOLDERS.isdisjoint(file.parts):
            folder = "" if file.parent == Path() else file.parent.as_posix()
            texts.setdefault(read_text(top / file), folder)
    if not texts:
        known = LICENSES / f"{crate['name']}.txt"
        if not known.exists():
            sys.exit(
                f"{crate['name']} {crate['version']} contains no text of its license ({crate['license']}). Put it, "
                f"with the copyright notice of the crate, into packaging/licenses/{known.name}"
            )
        texts[read_text(known)] = ""
    return [(folder, text) for text, folder in texts.items()]


def read_text(file):
    # the same text with other line ends is the same
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def sqlite_component(crate):
    header = Path(crate["manifest_path"]).parent / "sqlite3" / "sqlite3.h"
    version = re.search(r'#define SQLITE_VERSION +"([^"]+)"', header.read_text()).group(1)
    return {
        "type": "library",
        "bom-ref": f"pkg:generic/sqlite@{version}",
        "name": "sqlite",
        "version": version,
        "purl": f"pkg:generic/sqlite@{version}",
        "licenses": [{"license": {"id": "blessing"}}],
    }
