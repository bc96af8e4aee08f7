# A hook of MicroSIP: opens a web page with the number at the end of its address.
#
# MicroSIP runs it with the event and the start of the address, which were set with the hook,
# and then with the caller's text. That is usually the number, but it can be several arguments, or none.
# The caller chooses the text. It is encoded, so it can only be the end of this one address.
#
# msipcfg created this file and won't change it again, so you can edit it as you like.

$address = $args | Select-Object -Skip 1 -First 1
$number = ($args | Select-Object -Skip 2) -join ' '
# An anonymous caller has no page. The address must include the end of the host, or the caller could choose
# the host, and it must be a web address, because Windows would open anything else in another program.
if (-not $number -or $address -notmatch '^https?://[^/?#]+[/?#]') { exit }

Start-Process -FilePath ($address + [Uri]::EscapeDataString($number))
