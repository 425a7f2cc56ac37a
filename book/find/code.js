// Knows a line of the book's code again, however it is spaced, quoted and named: by its tokens, then without the names of
// variables, then by what is called in which order (`relu(bn3(conv3(y)))` is relu of bn of conv).
const TOKEN = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d*)?|\*\*|[-+*/@]=|[=!<>]=|->|[^\s\p{L}\p{N}_]/gu;
const KEYWORDS = new Set(
  "and as assert class def del elif else except False finally for from if import in is lambda None not or pass raise return self super True try while with yield".split(" "),
);
// What layers are called, from the name that says most: bn_conv_1x1_3 is a batch norm.
const KINDS = [
  ["bn", /^(bn|batch_?norm|norm)/i], ["relu", /(relu|^act)/i], ["conv", /conv/i], ["downsample", /(down|shortcut|skip)/i],
  ["pool", /pool/i], ["fc", /^(fc|linear)/i],
];

// To the end of its line, or, where the lines have run together, to what looks like the next statement.
const COMMENT = /#[^\n]*?(?=\n|$|\s(?:self\.|return\b|def\b|if\b|class\b|\w+ [-+*/]?= ))/g;
const GOES_ON = /^[-+*/.,=%@([\]]+$/;

export function tokens(text) {
  const plain = text.normalize("NFKC").replace(/[“”]/g, '"').replace(/[‘’`]/g, (quote) => (quote === "`" ? " " : "'"));
  const found = [];
  for (const [token] of plain.replace(COMMENT, " ").matchAll(TOKEN)) {
    if (token === ";" || /^\p{Script=Han}/u.test(token)) found.push("\n");
    else found.push(/^["']/.test(token) ? `"${token.slice(1, -1)}"` : token);
  }
  return found;
}

// The three spellings of a line, from the strictest to the loosest; each a list of tokens.
export function spellings(line) {
  const exact = shortened(tokens(line));
  const unnamed = exact.map((token, at) => (isVariable(exact, at) ? "v" : token));
  return [exact, unnamed, calls(unnamed)];
}

// How a query agrees with a known line: 3 for the same tokens, 2 but for variables, 1 for the same calls, else 0.
// The line may stand within the query, between the words of a question.
export function agreement(query, line) {
  for (const [level, tokens] of line.entries()) {
    if (level === 2 && tokens.filter((token) => token !== "v" && /\w/.test(token)).length < 2) continue;
    if (within(query[level], tokens)) return 3 - level;
  }
  return 0;
}

export function isCode(text) {
  return /[=(].*[)\w]|self\.|[-+*/]=|\b(return|class|def|super|import)\b/.test(text);
}

// How much of two lines is the same, from 0 to 1: pairs of neighbouring tokens, for lines that are like a known one.
export function likeness(query, line) {
  const [own, other] = [pairs(query[0]), pairs(line[0])];
  const shared = [...own].filter((pair) => other.has(pair)).length;
  return (2 * shared) / Math.max(1, own.size + other.size);
}

// Whether the query is a part of the line: `nn.BatchNorm2d(256)`.
export function isPart(query, line) {
  return query[0].length > 2 && within(line[0], query[0], true);
}

function pairs(tokens) {
  return new Set(tokens.slice(1).map((token, before) => `${tokens[before]} ${token}`));
}

// A line ends where a statement may: `v = v` is no part of `v = v + v`.
function within(long, short, anywhere = false) {
  if (!short.length || short.length > long.length) return false;
  const [text, wanted] = [` ${long.join(" ")} `, ` ${short.join(" ")} `];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const [next] = text.slice(at + wanted.length).split(" ");
    const [before] = text.slice(0, at).split(" ").slice(-1);
    if (anywhere || (!GOES_ON.test(next) && !GOES_ON.test(before))) return true;
  }
  return false;
}

// `super(Bottleneck, self)` is super(), `torch.nn.functional.relu` is F.relu, `torch.nn.Conv2d` is nn.Conv2d.
function shortened(list) {
  return list
    .join(" ")
    .replace(/super \( \w+ , self \)/g, "super ( )")
    .replace(/(?:torch \. )?nn \. functional \. /g, "F . ")
    .replace(/torch \. nn \. /g, "nn . ")
    .replace(/torch \. relu/g, "F . relu")
    .replace(/(?<![.\w] )\b(\w+) = \1 ([-+*/]) (?=\w+(?: |$))/g, "$1 $2= ")
    .split(" ")
    .filter(Boolean);
}

function isVariable(list, at) {
  const token = list[at];
  if (!/^[\p{L}_]/u.test(token) || KEYWORDS.has(token)) return false;
  const [before, after] = [list[at - 1], list[at + 1]];
  return before !== "." && after !== "." && after !== "(" && before !== "class" && before !== "def";
}

function calls(list) {
  const kinds = list.map((token) => KINDS.find(([, names]) => names.test(token))?.[0] ?? token);
  return kinds.join(" ").replace(/(?:self|F|nn|torch) \. /g, "").split(" ").filter(Boolean);
}
