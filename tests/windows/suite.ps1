# Runs the tests with a folder for temporary files whose path is long or short.
#
#     powershell -ExecutionPolicy Bypass -File tests\windows\suite.ps1 -Temp short
#
# A path with a short (8.3) name such as RUNNER~1 and its long form are the same folder. Windows gives the short
# form to some users, among them those whose name is longer than eight characters.

param(
    [ValidateSet('short', 'long')]
    [string] $Temp = 'long'
)

$ErrorActionPreference = 'Stop'

$folder = Join-Path $env:USERPROFILE 'AppData\Local\Temp\msipcfg tests'
New-Item -ItemType Directory -Force -Path $folder | Out-Null
if ($Temp -eq 'short') {
    $files = New-Object -ComObject Scripting.FileSystemObject
    $folder = $files.GetFolder($folder).ShortPath
    if (-not $folder.Contains('~')) {
        throw "$folder has no short name: this disk doesn't create them"
    }
}
$env:TEMP = $folder
$env:TMP = $folder
Write-Host "TEMP is $folder"

cargo test --locked
exit $LASTEXITCODE
