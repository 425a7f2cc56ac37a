// Characters that nobody sees and that turn the order in which text is shown: by them code reads otherwise than it runs.

const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

export const isTurned = (text) => text.search(TURNS) >= 0;

// The text with each of them written out.
export const inOrder = (text) => text.replace(TURNS, (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase()}⟩`);
