// Cuts text into what is searched for: words by their stems, names whole and in parts, Chinese in pairs of characters,
// and for words that mean the same, the sign of their meaning.
import { stemmer } from "stemmer";

const PIECE = /\p{Script=Han}+|[\p{Script=Latin}_][\p{Script=Latin}\d_]*(?:\.[\p{Script=Latin}_][\p{Script=Latin}\d_]*)*|\d+(?:x\d+)*/gu;
const HAN = /\p{Script=Han}/u;

// What questions are made of, and says nothing of what is asked about.
const ASKING = new Set(`a an the is are was be been do does did what why how when where which who can could should would will
  i we you it its this that these those of in on for to with from by as at and or not than then so if there here have has
  had my me mean means meaning please explain use used using get got make made work works thing way let any all about needed need needs difference between difference explained tell happens happen help helps does line code instead into
  out-of same s t don doesn isn 什么 意思 怎么 怎样 如何 为什么 为何 哪里 哪个 哪些 多少 是否 是不 不是 能不 可以 这个 那个 这句 这行 一行
  一下 解释 作用 有用 用处 区别 到底 究竟 干嘛 干什 详解 讲解 含义 理解 原理 介绍 一个 里面 中的 句代 行代 码什 么意 思是 是什 为啥 有什 么用 么作 用的 的作 为何 怎样 做什 什么 么时 候需 么样 样的 何时 哪种 换成 请问 问题 代码 时候 应该 需要 有没 没有 吗 呢 的 了 是 在 和 与 就 都 也 要 会 把 被 用 么 这 那 有 不 我 你 它 做 干`.split(/\s+/));

export function plain(text) {
  const same = text.normalize("NFKC").toLowerCase().replaceAll("×", "x").replaceAll("–", "-");
  return same.replace(/(\w{3,}[a-z])is(ation|ations|e|ed|ing)\b/g, "$1iz$2");
}

// `same`: words of one meaning, and where it is explained. Longer words are looked for first: 残差连接 is not 残差.
// Of a text: the numbers of the meanings in it, each with the word that has it.
export function meanings(same) {
  const groups = new Map();
  same.forEach(({ words }, number) => words.forEach((word) => groups.set(plain(word), number)));
  const words = [...groups.keys()].sort((one, other) => other.length - one.length);
  const escaped = words.map((word) => {
    const text = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return HAN.test(word) ? text : `(?<![\\p{Script=Latin}\\d_])${text}(?![\\p{Script=Latin}\\d_])`;
  });
  const pattern = new RegExp(escaped.join("|"), "gu");
  const single = words.filter((word) => /^[a-z_0-9]{5,}$/.test(word));
  return (text, forgiving = false) => {
    const found = (plain(text).match(pattern) ?? []).map((word) => ({ number: groups.get(word), word }));
    if (!forgiving) return found;
    const mistyped = (plain(text).match(/[a-z]{5,}/g) ?? []).flatMap((word) => {
      const meant = groups.has(word) ? undefined : single.find((known) => isOneLetterOff(word, known));
      return meant ? [{ number: groups.get(meant), word: meant, typed: word }] : [];
    });
    return [...found, ...mistyped];
  };
}

// One letter too many, too few, another, or two exchanged.
function isOneLetterOff(one, other) {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const [rest, others] = [one.slice(start), other.slice(start)];
  return rest.slice(1) === others || rest === others.slice(1) || rest.slice(1) === others.slice(1)
    || (rest.slice(2) === others.slice(2) && rest[0] === others[1] && rest[1] === others[0]);
}

export function terms(text) {
  return (plain(text).match(PIECE) ?? []).flatMap((piece) => (HAN.test(piece) ? pairs(piece) : parts(piece)));
}

export function askedFor(term) {
  return !ASKING.has(term);
}

function pairs(run) {
  const characters = [...run];
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, before) => characters[before] + character);
}

function parts(name) {
  const found = [name];
  const split = name.split(/[._]+/).filter(Boolean);
  if (split.length > 1) found.push(...split.filter((part) => part.length > 1));
  const last = split.at(-1) ?? name;
  if (/^[a-z]+\d+[a-z]*$/.test(last)) found.push(last.replace(/\d.*$/, ""));
  return [...new Set(found.map((part) => (/^[a-z]{4,}$/.test(part) ? stemmer(part) : part)))];
}
