"""Describes the crates whose code is in the programs: a list for scanners (SBOM) and the notices of their licenses."""
from collections import defaultdict
from datetime import UTC, datetime
import json
from pathlib import Path
import re
import subprocess
import tomllib
import uuid

LICENSE_FILE = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", re.IGNORECASE)
# The dependencies of all Windows targets for which there are releases are the same.
TARGET = "x86_64-pc-windows-msvc"


class Dependencies:
    """What `cargo metadata` says about the normal dependencies for Windows."""

    def __init__(self, root):
        command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={TARGET}"]
        metadata = json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout)
        packages = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

        def children(package_id):
            normal = (dep["pkg"] for dep in nodes[package_id]["deps"] if any(not k["kind"] for k in dep["dep_kinds"]))
            # Macros run in the compiler, so they aren't in the programs.
            return [child for child in normal if not is_macro(packages[child])]

        top = metadata["resolve"]["root"]
        self.edges = {}
        waiting = [top]
        while waiting:
            package = waiting.pop()
            if package not in self.edges:
                self.edges[package] = children(package)
                waiting += self.edges[package]
        self.packages = packages
        self.top = packages[top]
        self.crates = sorted((packages[i] for i in self.edges if i != top), key=lambda p: (p["name"], p["version"]))
        locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
        self.sums = {(package["name"], package["version"]): package.get("checksum") for package in locked}

    def sbom(self, version, time, url):
        """Returns the list as CycloneDX 1.5."""
        program = {
            "type": "application",
            "bom-ref": f"msipcfg@{version}",
            "name": "msipcfg",
            "version": version,
            "description": self.top["description"],
            "licenses": [{"expression": self.top["license"]}],
            "externalReferences": [{"type": "website", "url": url}],
        }
        refs = {i: purl(self.packages[i]) for i in self.edges}
        refs[self.top["id"]] = program["bom-ref"]
        edges = {refs[i]: sorted({refs[child] for child in children}) for i, children in self.edges.items()}
        components = [self.component(crate) for crate in self.crates]
        for crate in self.crates:
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

    def notices(self):
        """Returns the notices. A text that several crates have appears once."""
        users = defaultdict(list)
        lines = [
            "msipcfg contains the following software. LICENSE-MIT.txt and LICENSE-APACHE.txt are its own licenses.",
            "",
            "Rust's standard library: MIT OR Apache-2.0, https://github.com/rust-lang/rust",
            "    Copyright (c) The Rust Project Contributors",
            "SQLite: in the public domain, https://sqlite.org",
        ]
        for crate in self.crates:
            name = f"{crate['name']} {crate['version']}"
            address = crate["repository"] or f"https://crates.io/crates/{crate['name']}"
            lines.append(f"{name}: {license_of(crate)}, {address}")
            texts = license_texts(crate)
            if not texts:
                # The text of its license is one of the others here, or is needed only with sources (BSL-1.0).
                lines.append(f"    Copyright (c) {', '.join(crate['authors']) or 'its authors'}")
            for text in texts:
                users[text].append(name)
        for text, names in sorted(users.items(), key=lambda item: item[1]):
            lines += ["", "=" * 100, *names, "-" * 100, text]
        return "\n".join(lines) + "\n"


def is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def purl(crate):
    return f"pkg:cargo/{crate['name']}@{crate['version'].replace('+', '%2B')}"


def license_of(crate):
    # an old way to write OR
    return crate["license"].replace("/", " OR ").replace("  ", " ")


def license_texts(crate):
    folder = Path(crate["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if file.is_file() and LICENSE_FILE.match(file.name))
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in files if file.suffix != ".rs")
    # the same text with other line ends is the same
    return list(dict.fromkeys("\n".join(line.rstrip() for line in text.strip().splitlines()) for text in texts))


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
