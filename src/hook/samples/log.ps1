# A hook of MicroSIP: adds a line for each call to the file "MicroSIP calls.txt" in your Documents folder.
#
# MicroSIP runs it with the event, which was set with the hook,
# and then with the caller's text. That is usually the number, but it can be several arguments, or none.
# The caller chooses the text. It is written as text; nothing here ever runs it.
#
# msipcfg created this file and won't change it again, so you can edit it as you like.

$call_event = $args | Select-Object -First 1
$number = ($args | Select-Object -Skip 1) -join ' '
if (-not $number) { $number = 'unknown' }
# Replace control characters, so that each call has exactly one line.
$number = $number -replace '\p{C}', ' '

$file = Join-Path ([Environment]::GetFolderPath('MyDocuments')) 'MicroSIP calls.txt'
$line = '{0:yyyy-MM-dd HH:mm:ss}  {1,-12}  {2}' -f (Get-Date), $call_event, $number

# Two calls at once would write to the file at the same time, so try again for a second.
foreach ($try in 1..10) {
    try {
        [IO.File]::AppendAllText($file, $line + [Environment]::NewLine)
        break
    } catch [IO.IOException] {
        Start-Sleep -Milliseconds 100
    }
}
