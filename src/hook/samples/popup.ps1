# A hook of MicroSIP: shows the number in a small window that closes by itself after 30 seconds.
#
# MicroSIP runs it with the event, which was set with the hook,
# and then with the caller's text. That is usually the number, but it can be several arguments, or none.
# The caller chooses the text. It is passed on and shown as text; nothing here ever runs it.
#
# msipcfg created this file and won't change it again, so you can edit it as you like.

if ($args.Count -gt 0) {
    # MicroSIP is frozen until this script exits. So it starts itself again, without arguments, and exits.
    # The number is in a variable, because on a command line it could be taken for an option.
    $number = ($args | Select-Object -Skip 1) -join ' '
    if (-not $number) { $number = 'unknown' }
    $env:MICROSIP_HOOK_EVENT = $args | Select-Object -First 1
    $env:MICROSIP_HOOK_NUMBER = $number
    $powershell = (Get-Process -Id $PID).Path
    $arguments = '-NoProfile -ExecutionPolicy Bypass -File "{0}"' -f $PSCommandPath
    Start-Process -FilePath $powershell -ArgumentList $arguments -WindowStyle Hidden
    exit
}

$seconds = 30
$information = 64
$before_other_windows = 4096
$title = 'MicroSIP: ' + $env:MICROSIP_HOOK_EVENT
$shell = New-Object -ComObject WScript.Shell
[void]$shell.Popup($env:MICROSIP_HOOK_NUMBER, $seconds, $title, $information + $before_other_windows)
