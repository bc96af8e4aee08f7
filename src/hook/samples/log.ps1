# A hook of MicroSIP: writes each call to the file "MicroSIP calls.txt" in your Documents folder.
#
# MicroSIP runs it with two words: the moment of the call, which the hook was set with, and the number.
# The caller chooses the number. It is written down as text, and nothing here ever runs it.
#
# Made by msipcfg, once: change it as you like.

$moment = $args | Select-Object -First 1
$number = ($args | Select-Object -Skip 1) -join ' '
if (-not $number) { $number = 'unknown' }
# a caller is to have one line, and no control characters in it
$number = $number -replace '\p{C}', ' '

$file = Join-Path ([Environment]::GetFolderPath('MyDocuments')) 'MicroSIP calls.txt'
$line = '{0:yyyy-MM-dd HH:mm:ss}  {1,-12}  {2}' -f (Get-Date), $moment, $number

# two calls at once would write to the file at once: try again for a second
foreach ($try in 1..10) {
    try {
        [IO.File]::AppendAllText($file, $line + [Environment]::NewLine)
        break
    } catch [IO.IOException] {
        Start-Sleep -Milliseconds 100
    }
}
