# Detection of install.cmd in Intune and ConfigMgr, as SYSTEM: prints a line if nothing is left to do, else nothing.
# When msipcfg.msi or phone.toml changes, write the new version here.
$wantedProgram = [version]'0.1.0'
$wantedState = '1'

# "Not installed" is no output and exit 0. For ConfigMgr, any other exit status means that detection failed.
$folder = Join-Path $env:ProgramW6432 'msipcfg'
$exe = Join-Path $folder 'msipcfg.exe'
$state = Join-Path $folder 'phone.toml'
if (-not (Test-Path -LiteralPath $exe) -or -not (Test-Path -LiteralPath $state)) { exit 0 }

# Each version has its own product code, so look for the name in the keys of all MSIs.
$machine = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
$products = $machine.OpenSubKey('SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall')
$installed = foreach ($code in $products.GetSubKeyNames() -like '{*}') {
    $product = $products.OpenSubKey($code)
    if ($product.GetValue('DisplayName') -eq 'msipcfg') { $product.GetValue('DisplayVersion') -as [version] }
}
if (-not ($installed | Where-Object { $_ -ge $wantedProgram })) { exit 0 }

# The phone.toml on this PC is the one that install.cmd copied last.
if (-not (Select-String -LiteralPath $state -Pattern "^state-version = $wantedState$" -Quiet)) { exit 0 }

# If something can't be compared, install.cmd runs again and reports why.
$json = & $exe apply $state --all-users --users '\\server\phones\users.csv' --create --dry-run --json
if ($LASTEXITCODE -eq 0 -and -not ($json | ConvertFrom-Json).changed) { 'in state' }
exit 0
