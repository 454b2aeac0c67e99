//! Looks for secrets in a text that comes in pieces: as it is, and with its escapes taken off, up to three times.

use super::escapes::{self, Read};
use super::forms::Forms;

/// A piece of a text, with where its bytes stand in the text as it came.
#[derive(Debug, Clone, Copy)]
struct Token {
    byte: u8,
    start: u64,
    end: u64,
}

/// What a layer makes of the text that it is given.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Whose text it is given.
    from: Option<usize>,
    begins: fn(u8) -> bool,
    read: fn(&[u8]) -> Read,
}

/// The text itself; without escapes of JSON, URLs and HTML; without those that stood in that; the same once more; and the second
/// one without the ends of its lines and quoted-printable's escapes.
const LAYERS: [Kind; 5] = [
    Kind {
        from: None,
        begins: |_| false,
        read: |_| Read::Plain,
    },
    Kind {
        from: Some(0),
        begins: escapes::begins,
        read: escapes::read,
    },
    Kind {
        from: Some(1),
        begins: escapes::begins,
        read: escapes::read,
    },
    Kind {
        from: Some(2),
        begins: escapes::begins,
        read: escapes::read,
    },
    Kind {
        from: Some(1),
        begins: escapes::begins_folded,
        read: escapes::read_folded,
    },
];

/// One layer's state.
#[derive(Debug)]
struct Layer {
    /// What may become an escape.
    pending: Vec<Token>,
    /// How many bytes of which forms match.
    partial: Vec<(usize, usize)>,
    /// Where the last bytes began in the text as it came, as many as the longest form has.
    starts: Vec<u64>,
    count: usize,
}

/// A text on its way through. Places are counted from its beginning.
#[derive(Debug)]
pub(super) struct Scan {
    layers: Vec<Layer>,
    /// How many bytes came.
    place: u64,
    /// Where secrets were found, in the order of their ends.
    pub(super) found: Vec<(u64, u64)>,
}

impl Scan {
    pub(super) fn new() -> Self {
        let layer = || Layer {
            pending: Vec::new(),
            partial: Vec::new(),
            starts: Vec::new(),
            count: 0,
        };
        Self {
            layers: LAYERS.iter().map(|_| layer()).collect(),
            place: 0,
            found: Vec::new(),
        }
    }

    /// Begins with another text.
    pub(super) fn reset(&mut self) {
        for layer in &mut self.layers {
            layer.pending.clear();
            layer.partial.clear();
        }
        self.found.clear();
        self.place = 0;
    }

    /// The next piece.
    pub(super) fn push(&mut self, forms: &Forms, piece: &[u8]) {
        let mut rest = piece;
        loop {
            // Most bytes begin nothing while nothing has begun.
            if self.is_idle() {
                let dull = rest.iter().take_while(|byte| is_dull(forms, **byte)).count();
                rest = rest.get(dull..).unwrap_or_default();
                self.place = self.place.saturating_add(dull as u64);
            }
            let Some((byte, after)) = rest.split_first() else {
                return;
            };
            let token = Token {
                byte: *byte,
                start: self.place,
                end: self.place.saturating_add(1),
            };
            self.place = token.end;
            rest = after;
            self.give(forms, 0, token);
        }
    }

    /// The text has ended: what could have become an escape is none.
    pub(super) fn end(&mut self, forms: &Forms) {
        for layer in 0..LAYERS.len() {
            while !self.layers[layer].pending.is_empty() {
                let first = self.layers[layer].pending.remove(0);
                self.emit(forms, layer, first);
                self.settle(forms, layer, true);
            }
        }
    }

    /// From where on a secret may have begun that has not ended.
    pub(super) fn undecided(&self) -> u64 {
        let begun = self.layers.iter().filter_map(|layer| {
            let pending = layer.pending.first().map(|token| token.start);
            let partial = layer.partial.iter().map(|(_, matched)| layer.start_of(*matched)).min();
            pending.into_iter().chain(partial).min()
        });
        begun.min().unwrap_or(self.place)
    }

    fn is_idle(&self) -> bool {
        self.layers
            .iter()
            .all(|layer| layer.pending.is_empty() && layer.partial.is_empty())
    }

    /// Gives a layer the next piece of its text.
    fn give(&mut self, forms: &Forms, layer: usize, token: Token) {
        let kind = &LAYERS[layer];
        if self.layers[layer].pending.is_empty() && !(kind.begins)(token.byte) {
            return self.emit(forms, layer, token);
        }
        self.layers[layer].pending.push(token);
        self.settle(forms, layer, false);
    }

    /// Decides on what may be an escape, as far as that can be told.
    fn settle(&mut self, forms: &Forms, layer: usize, ended: bool) {
        let kind = &LAYERS[layer];
        loop {
            let pending = &self.layers[layer].pending;
            let text: Vec<u8> = pending.iter().map(|token| token.byte).collect();
            let Some(first) = pending.first().copied() else { return };
            match (kind.read)(&text) {
                Read::More if ended || text.len() > escapes::LONGEST => {
                    self.layers[layer].pending.remove(0);
                    self.emit(forms, layer, first);
                }
                Read::More => return,
                Read::Plain => {
                    self.layers[layer].pending.remove(0);
                    self.emit(forms, layer, first);
                }
                Read::Escape(length, decoded) => {
                    let used: Vec<Token> = self.layers[layer].pending.drain(..length).collect();
                    let end = used.last().map_or(first.end, |last| last.end);
                    for byte in decoded.bytes() {
                        let token = Token {
                            byte: *byte,
                            start: first.start,
                            end,
                        };
                        self.emit(forms, layer, token);
                    }
                }
            }
        }
    }

    /// A byte of a layer's own text: it is matched, and given to those that are made from it.
    fn emit(&mut self, forms: &Forms, layer: usize, token: Token) {
        let found = self.layers[layer].advance(forms, token);
        self.found.extend(found.map(|start| (start, token.end)));
        for (next, kind) in LAYERS.iter().enumerate() {
            if kind.from == Some(layer) {
                self.give(forms, next, token);
            }
        }
    }
}

/// Whether a byte begins no form and no escape.
fn is_dull(forms: &Forms, byte: u8) -> bool {
    forms.begin[usize::from(byte)].is_empty() && !escapes::begins(byte) && !escapes::begins_folded(byte)
}

impl Layer {
    /// Where the byte stands that is so many before the next one.
    fn start_of(&self, back: usize) -> u64 {
        let size = self.starts.len();
        let place = (self.count + size).saturating_sub(back.max(1)).checked_rem(size);
        place.and_then(|place| self.starts.get(place)).copied().unwrap_or(0)
    }

    /// Matches one more byte. Gives where the longest secret began that ends with it.
    fn advance(&mut self, forms: &Forms, token: Token) -> Option<u64> {
        if self.partial.is_empty() && forms.begin[usize::from(token.byte)].is_empty() {
            return None;
        }
        if self.starts.is_empty() {
            self.starts = vec![0; forms.longest];
        }
        let size = self.starts.len();
        self.starts[self.count] = token.start;
        self.count = (self.count + 1) % size;
        let mut longest = 0;
        let mut partial = std::mem::take(&mut self.partial);
        partial.retain_mut(|(form, matched)| {
            let form = &forms.all[*form];
            *matched = form.step(*matched, token.byte);
            if *matched == form.bytes.len() {
                longest = longest.max(*matched);
            }
            *matched > 0
        });
        for form in &forms.begin[usize::from(token.byte)] {
            if partial.iter().any(|(known, _)| known == form) {
                continue;
            }
            if forms.all[*form].bytes.len() == 1 {
                longest = longest.max(1);
            }
            partial.push((*form, 1));
        }
        let found = (longest > 0).then(|| self.start_of(longest));
        // What has matched whole is found: it holds nothing back but its own rest.
        partial.retain_mut(|(form, matched)| {
            let form = &forms.all[*form];
            if *matched == form.bytes.len() {
                *matched = form.rest();
            }
            *matched > 0
        });
        self.partial = partial;
        found
    }
}
