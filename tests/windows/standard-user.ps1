# Shows what a standard user can do on a computer with other users:
#
# - An ini that belongs to Administrators can be edited by its own user.
# - Another user's MicroSIP, which can't be opened, doesn't block the ini in the user's own AppData, if it runs in
#   another session. It does block an ini elsewhere.
# - An administrator can read which ini that MicroSIP uses.
#
# Run it as an administrator in the folder of the repository, in a session of your own:
#
#     cargo build --bins --examples
#     powershell -ExecutionPolicy Bypass -File tests\windows\standard-user.ps1
#
# It creates two users and a folder, and removes them at the end.

param(
    # The folder in which cargo built msipcfg.exe.
    [string] $Build = 'target\debug'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$ann = 'msipcfg-ann'
$bob = 'msipcfg-bob'
$task = 'msipcfg-test'
$folder = Join-Path $env:SystemDrive 'msipcfg-test'
$key = 'HKLM:\Software\MicroSIP'

# SIDs, because the names of groups are translated.
$users = 'S-1-5-32-545'
# Its members may log on as a batch job, which a scheduled task needs.
$performanceLogUsers = 'S-1-5-32-559'
$administrators = '*S-1-5-32-544'
$authenticatedUsers = '*S-1-5-11'

function Assert-Equal($Wanted, $Found, [string] $What) {
    if ($Wanted -ne $Found) {
        throw "${What}: expected '$Wanted', found '$Found'"
    }
    Write-Host "ok: $What"
}

function Invoke-Native([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments | Out-Host
    if ($LASTEXITCODE -ne 0) {
        throw "$Program $Arguments exited with $LASTEXITCODE"
    }
}

function New-User([string] $Name, [string] $Password) {
    $secret = ConvertTo-SecureString $Password -AsPlainText -Force
    New-LocalUser -Name $Name -Password $secret -PasswordNeverExpires | Out-Null
    Add-LocalGroupMember -SID $users -Member $Name
}

# Runs msipcfg as Bob, who isn't an administrator.
function Invoke-AsBob([string] $Arguments) {
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $msipcfg
    $start.Arguments = $Arguments
    $start.WorkingDirectory = $folder
    $start.UserName = $bob
    $start.Domain = $env:COMPUTERNAME
    $start.Password = ConvertTo-SecureString $password -AsPlainText -Force
    $start.LoadUserProfile = $true
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    $output = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    Write-Host "bob> msipcfg $Arguments"
    Write-Host $output
    return $process.ExitCode
}

function Get-Access([string] $Path) {
    return ((Get-Acl -LiteralPath $Path).Access | Out-String)
}

if (Test-Path $key) {
    throw 'MicroSIP is installed here; use a computer without it'
}

$password = 'Aa1!' + [guid]::NewGuid().ToString()
$msipcfg = Join-Path $folder 'msipcfg.exe'
$phone = Join-Path $folder 'Program\MicroSIP.exe'
$portable = Join-Path $folder 'Portable\MicroSIP.ini'
$text = "[Settings]`r`naccountId=1`r`nVAD=0`r`n"
$phoneProcess = $null

try {
    New-Item -ItemType Directory -Path (Join-Path $folder 'Program'), (Join-Path $folder 'Portable') | Out-Null
    Invoke-Native 'icacls.exe' @($folder, '/grant', "${authenticatedUsers}:(OI)(CI)M")
    Copy-Item (Join-Path $Build 'msipcfg.exe') $msipcfg
    Copy-Item (Join-Path $Build 'examples\microsip-stand-in.exe') $phone
    Set-Content -LiteralPath $portable -Value $text -Encoding Unicode -NoNewline
    New-User $ann $password
    New-User $bob $password
    Add-LocalGroupMember -SID $performanceLogUsers -Member $ann

    # The first program that Bob starts creates his profile.
    Assert-Equal 0 (Invoke-AsBob '--version') 'a standard user can start msipcfg'
    $sid = (Get-LocalUser -Name $bob).SID.Value
    $list = 'HKLM:\Software\Microsoft\Windows NT\CurrentVersion\ProfileList'
    $profileFolder = (Get-ItemProperty (Join-Path $list $sid)).ProfileImagePath
    $ini = Join-Path $profileFolder 'AppData\Roaming\MicroSIP\MicroSIP.ini'
    New-Item -ItemType Directory -Force -Path (Split-Path $ini) | Out-Null
    Set-Content -LiteralPath $ini -Value $text -Encoding Unicode -NoNewline
    Invoke-Native 'icacls.exe' @($ini, '/setowner', $administrators)

    $access = Get-Access $ini
    Assert-Equal 0 (Invoke-AsBob 'set VAD=1 --timeout 0 --json') 'an ini of Administrators can be edited by its user'
    Assert-Equal $true ((Get-Content -LiteralPath $ini -Raw).Contains('VAD=1')) 'the edit is in the ini'
    Assert-Equal $access (Get-Access $ini) 'the access list is the same'
    Assert-Equal 0 (Invoke-AsBob 'restore --timeout 0 --json') 'the edit can be undone'

    # Ann's MicroSIP is installed and runs in session 0, like every task of a user who isn't logged on.
    New-Item -Path $key -Value (Split-Path $phone) | Out-Null
    $action = New-ScheduledTaskAction -Execute $phone
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries
    Register-ScheduledTask -TaskName $task -Action $action -Settings $settings `
        -User "$env:COMPUTERNAME\$ann" -Password $password | Out-Null
    Start-ScheduledTask -TaskName $task
    $until = (Get-Date).AddSeconds(60)
    while ($null -eq $phoneProcess -and (Get-Date) -lt $until) {
        Start-Sleep -Milliseconds 200
        $phoneProcess = Get-Process -Name 'MicroSIP' -ErrorAction SilentlyContinue | Select-Object -First 1
    }
    if ($null -eq $phoneProcess) {
        throw "the MicroSIP of $ann did not start"
    }
    $own = (Get-Process -Id $PID).SessionId
    Write-Host "MicroSIP runs in session $($phoneProcess.SessionId), this script in $own"

    # In the same session it could be Bob's own, started as administrator.
    $wanted = 0
    if ($phoneProcess.SessionId -eq $own) {
        $wanted = 5
    }
    Assert-Equal $wanted (Invoke-AsBob 'set VAD=1 --timeout 0 --json') "another user's MicroSIP and the own ini"
    $arguments = "set VAD=1 --timeout 0 --json --ini $portable"
    Assert-Equal 5 (Invoke-AsBob $arguments) "another user's MicroSIP blocks an ini outside AppData"

    # This script runs as an administrator, who can read all processes.
    $status = & $msipcfg status --json | Out-String | ConvertFrom-Json
    $instance = $status.instances | Where-Object { $_.pid -eq $phoneProcess.Id }
    Assert-Equal $true ("$($instance.inis)".Contains($ann)) 'an administrator sees which ini it uses'
    & $msipcfg set VAD=1 --timeout 0 --json --ini $portable | Out-Host
    Assert-Equal 0 $LASTEXITCODE 'it does not block an administrator who edits another ini'
    Write-Host 'all is well'
}
finally {
    $ErrorActionPreference = 'Continue'
    if ($null -ne $phoneProcess) {
        Stop-Process -Id $phoneProcess.Id -Force
        $phoneProcess.WaitForExit()
    }
    Unregister-ScheduledTask -TaskName $task -Confirm:$false -ErrorAction SilentlyContinue
    Remove-Item -Path $key -ErrorAction SilentlyContinue
    foreach ($name in $ann, $bob) {
        $user = Get-LocalUser -Name $name -ErrorAction SilentlyContinue
        if ($null -ne $user) {
            $sid = $user.SID.Value
            Get-CimInstance Win32_UserProfile -Filter "SID = '$sid'" | Remove-CimInstance -ErrorAction SilentlyContinue
            Remove-LocalUser -Name $name
        }
    }
    Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction SilentlyContinue
}
