# A hook of MicroSIP: opens a web page with the number at the end of its address.
#
# MicroSIP runs it with three words: the moment of the call and the start of the address, which the hook was
# set with, and the number.
# The caller chooses the number. It is encoded, so that it can only be the end of this one address.
#
# Made by msipcfg, once: change it as you like.

$address = $args | Select-Object -Skip 1 -First 1
$number = ($args | Select-Object -Skip 2) -join ' '
# An anonymous caller has no page. The host must have ended before the number, or the caller would choose it,
# and anything else than a web address Windows would open in another program.
if (-not $number -or $address -notmatch '^https?://[^/?#]+[/?#]') { exit }

Start-Process -FilePath ($address + [Uri]::EscapeDataString($number))
