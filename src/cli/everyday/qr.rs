//! A QR code, drawn in letters: two rows of it in each line.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::sys::secret::Secret;

/// How many light modules are around it.
const MARGIN: i32 = 2;

/// Draws a text as a QR code, in black on white whatever the terminal's colours are, or without
/// colours for a terminal that is dark. Returns `None` if the text is too long.
pub(crate) fn drawing(text: &str, is_coloured: bool) -> Option<Secret<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let end = code.size().saturating_add(MARGIN);
    let is_dark = |x: i32, y: i32| code.get_module(x, y);
    let mut drawing = Secret::new(String::new());
    let out = drawing.expose_mut();
    let mut y = -MARGIN;
    while y < end {
        if is_coloured {
            out.push_str("\x1b[30;107m");
        }
        for x in -MARGIN..end {
            // What is below the last row is margin as well.
            let pair = (is_dark(x, y), is_dark(x, y.saturating_add(1)));
            let drawn = if is_coloured { pair } else { (!pair.0, !pair.1) };
            out.push(match drawn {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push_str(if is_coloured { "\x1b[0m\n" } else { "\n" });
        y = y.saturating_add(2);
    }
    Some(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a drawing without colours back: true is dark.
    fn modules(drawing: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawing.lines() {
            let light = |upper: bool| {
                line.chars()
                    .map(move |drawn| !(drawn == '█' || drawn == if upper { '▀' } else { '▄' }))
            };
            rows.push(light(true).collect());
            rows.push(light(false).collect());
        }
        rows
    }

    #[test]
    fn every_module_is_drawn() {
        let uri = "otpauth://totp/ACME:ada@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let code = QrCode::encode_text(uri, QrCodeEcc::Low).unwrap();
        let plain = drawing(uri, false).unwrap();
        let rows = modules(plain.expose());
        for y in -MARGIN..code.size() + MARGIN {
            for x in -MARGIN..code.size() + MARGIN {
                let (row, column) =
                    (usize::try_from(y + 2).unwrap(), usize::try_from(x + 2).unwrap());
                assert_eq!(rows[row][column], code.get_module(x, y), "{x} {y}");
            }
        }
        // It fits a terminal of 80 columns and 24 lines, under the line that was typed.
        assert!(plain.expose().lines().count() <= 22);
        let coloured = drawing(uri, true).unwrap();
        let bare = coloured.expose().replace("\x1b[30;107m", "").replace("\x1b[0m", "");
        let swapped: Vec<Vec<bool>> = modules(&bare);
        assert!(swapped.iter().flatten().zip(rows.iter().flatten()).all(|(a, b)| a != b));
        assert!(drawing(&"x".repeat(3000), false).is_none());
    }
}
