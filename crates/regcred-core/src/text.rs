//! How untrusted text is shown in a message.

/// `text` in backquotes, shortened and with control characters escaped, so that no input can forge or flood a log line.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from('`');
    for character in text.chars().take(SHOWN) {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// `text` if it is 1 to `max` characters without control characters; `what` names it in the error.
pub(crate) fn plain(what: &str, text: &str, max: usize) -> crate::Result<()> {
    if text.is_empty() {
        return Err(crate::Error::invalid(format!(
            "{what} is empty; give at least one character"
        )));
    }
    let length = text.chars().count();
    if length > max {
        return Err(crate::Error::invalid(format!(
            "{what} has {length} characters; at most {max} are allowed"
        )));
    }
    if let Some(bad) = text.chars().find(|character| character.is_control()) {
        return Err(crate::Error::invalid(format!(
            "{what} contains the control character U+{:04X}; remove it",
            u32::from(bad)
        )));
    }
    Ok(())
}

const SHOWN: usize = 80;
