//! set-hook, unset-hook, hooks and events.

use crate::sandbox::{Sandbox, utf16};

const MODERN: &str = "[Settings]\r\nVAD=1\r\ncmdIncomingCall=\"\"\r\ncmdCallRing=\"\"\r\nversion=3.22.3\r\n";

#[test]
fn a_hook_is_set_as_microsip_would_save_it() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", r"C:\hooks\ring.exe"]).exits(0);
    let expected = MODERN.replace("cmdIncomingCall=\"\"", "cmdIncomingCall=\"C:\\hooks\\ring.exe\"");
    assert_eq!(sandbox.ini_text(), expected);
}
