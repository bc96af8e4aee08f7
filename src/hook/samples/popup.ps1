# A hook of MicroSIP: shows the number in a small window, which goes by itself after 30 seconds.
#
# MicroSIP runs it with two words: the moment of the call, which the hook was set with, and the number.
# The caller chooses the number. It is handed on and shown as text, and nothing here ever runs it.
#
# Made by msipcfg, once: change it as you like.

if ($args.Count -gt 0) {
    # MicroSIP is frozen until this ends. So this script starts itself once more, without any word, and ends.
    # The number goes by a variable and not by a command line, where it could be taken for an option.
    $number = ($args | Select-Object -Skip 1) -join ' '
    if (-not $number) { $number = 'unknown' }
    $env:MICROSIP_HOOK_MOMENT = $args | Select-Object -First 1
    $env:MICROSIP_HOOK_NUMBER = $number
    $powershell = (Get-Process -Id $PID).Path
    $words = '-NoProfile -ExecutionPolicy Bypass -File "{0}"' -f $PSCommandPath
    Start-Process -FilePath $powershell -ArgumentList $words -WindowStyle Hidden
    exit
}

$seconds = 30
$information = 64
$before_other_windows = 4096
$title = 'MicroSIP: ' + $env:MICROSIP_HOOK_MOMENT
$shell = New-Object -ComObject WScript.Shell
[void]$shell.Popup($env:MICROSIP_HOOK_NUMBER, $seconds, $title, $information + $before_other_windows)
