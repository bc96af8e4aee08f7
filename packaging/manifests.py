"""Writes what winget, scoop and Chocolatey need to install a release."""
import json
from xml.sax.saxutils import escape

SUMMARY = "Sets hooks and settings in MicroSIP.ini, losslessly and safely"
DESCRIPTION = (
    "On a call, msipcfg opens the customer's page, shows who is calling, tells a web service, logs the call or runs a "
    "program. It sets hooks and settings of the softphone MicroSIP, for one user or for many PCs."
)
LICENSE = "MIT OR Apache-2.0"
TAGS = ["microsip", "sip", "softphone", "voip"]


def write_manifests(release, sums, product_code):
    """Writes the manifests. `sums` are the SHA-256 sums of the files, by name."""
    folder = release.output / "manifests"
    files = {}
    files |= winget(release, sums, product_code)
    files |= scoop(release, sums)
    files |= chocolatey(release, sums)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def download(release, suffix):
    """Returns the name and the address of a file of this release."""
    name = f"msipcfg-{release.version}-{suffix}"
    return name, f"{release.url}/releases/download/v{release.version}/{name}"


def winget(release, sums, product_code):
    # JSON strings are YAML strings, so nothing has to be escaped in another way.
    text = json.dumps
    identifier = "".join(c for c in release.publisher if c.isalnum()) + ".msipcfg"
    name, url = download(release, "x64.msi")
    head = f"PackageIdentifier: {identifier}\nPackageVersion: {text(release.version)}\n"

    def manifest(kind, lines):
        # The newest version that the community's repository accepts.
        schema = f"# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.1.12.0.schema.json\n"
        end = f"ManifestType: {kind}\nManifestVersion: 1.12.0\n"
        return schema + head + "".join(f"{line}\n" for line in lines) + end

    installer = [
        "Platform:",
        "- Windows.Desktop",
        "MinimumOSVersion: 10.0.0.0",
        "InstallerType: msi",
        "Scope: machine",
        "UpgradeBehavior: install",
        "Commands:",
        "- msipcfg",
        f"ProductCode: {text(product_code)}",
        "AppsAndFeaturesEntries:",
        f"- ProductCode: {text(product_code)}",
        f"  UpgradeCode: {text('{' + release.upgrade_code + '}')}",
        "Installers:",
        "- Architecture: x64",
        f"  InstallerUrl: {text(url)}",
        f"  InstallerSha256: {text(sums[name].upper())}",
    ]
    locale = [
        "PackageLocale: en-US",
        f"Publisher: {text(release.publisher)}",
        "PackageName: msipcfg",
        f"PackageUrl: {text(release.url)}",
        f"License: {LICENSE}",
        f"ShortDescription: {text(SUMMARY)}",
        f"Description: {text(DESCRIPTION)}",
        "Tags:",
        *(f"- {tag}" for tag in TAGS),
    ]
    return {
        f"winget/{identifier}.yaml": manifest("version", ["DefaultLocale: en-US"]),
        f"winget/{identifier}.installer.yaml": manifest("installer", installer),
        f"winget/{identifier}.locale.en-US.yaml": manifest("defaultLocale", locale),
    }


def scoop(release, sums):
    architectures = {}
    for key, arch in (("64bit", "x64"), ("arm64", "arm64")):
        name, url = download(release, f"{arch}.zip")
        if name in sums:
            architectures[key] = {"url": url, "hash": sums[name]}
    updates = {
        key: {"url": entry["url"].replace(release.version, "$version")} for key, entry in architectures.items()
    }
    manifest = {
        "version": release.version,
        "description": SUMMARY,
        "homepage": release.url,
        "license": LICENSE.replace(" OR ", "|"),
        "architecture": architectures,
        "bin": "msipcfg.exe",
        "shortcuts": [["msipcfg.exe", "MicroSIP hooks", "wizard", "msipcfg.ico"]],
        "checkver": {"github": release.url},
        "autoupdate": {"architecture": updates, "hash": {"url": "$baseurl/SHA256SUMS"}},
    }
    return {"scoop/msipcfg.json": json.dumps(manifest, indent=4) + "\n"}


def chocolatey(release, sums):
    name, url = download(release, "x64.msi")
    nuspec = f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd">
  <metadata>
    <id>msipcfg</id>
    <version>{release.version}</version>
    <title>msipcfg</title>
    <authors>{escape(release.publisher)}</authors>
    <projectUrl>{escape(release.url)}</projectUrl>
    <packageSourceUrl>{escape(release.url)}</packageSourceUrl>
    <licenseUrl>{escape(release.url)}/tree/v{release.version}/docs/licenses</licenseUrl>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <summary>{SUMMARY}</summary>
    <description>{DESCRIPTION}</description>
    <releaseNotes>{escape(release.url)}/releases/tag/v{release.version}</releaseNotes>
    <tags>{" ".join(TAGS)}</tags>
  </metadata>
  <files>
    <file src="tools\\**" target="tools" />
  </files>
</package>
"""
    # Chocolatey removes an MSI by itself.
    install = f"""$ErrorActionPreference = 'Stop'
$arguments = @{{
  packageName    = 'msipcfg'
  fileType       = 'msi'
  url64bit       = '{url}'
  checksum64     = '{sums[name]}'
  checksumType64 = 'sha256'
  silentArgs     = '/qn /norestart'
  # 3010: a program that was running is replaced at the next start of Windows
  validExitCodes = @(0, 3010)
}}
Install-ChocolateyPackage @arguments
"""
    return {"chocolatey/msipcfg.nuspec": nuspec, "chocolatey/tools/chocolateyinstall.ps1": install}
