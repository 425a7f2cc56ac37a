// Numbers as they stand in a calculation that a reader can do again: with decimals in common, and what rounding leaves.
import { number } from "../page/maps.js";

const DIGITS = 4; // of the largest number in a sum

// Decimals such that the largest has DIGITS digits.
export function decimalsFor(numbers) {
  const largest = Math.max(...numbers.map(Math.abs).filter(Number.isFinite), 0);
  return largest ? Math.min(12, Math.max(0, DIGITS - 1 - Math.floor(Math.log10(largest)))) : 1;
}

export const fixed = (value, decimals) => {
  if (!Number.isFinite(value)) return number(value);
  const text = value.toFixed(Math.max(0, decimals));
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
};
export const signedText = (text) => (text.startsWith("−") ? `− ${text.slice(1)}` : `+ ${text}`);
export const signed = (value, decimals) => signedText(fixed(value, decimals));
export const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);

// What is missing for the numbers as they are written to add up to the result as it is written.
export function missing(terms, result, decimals) {
  const units = (value) => Math.round(Number(value.toFixed(decimals)) * 10 ** decimals);
  const left = units(result) - terms.reduce((sum, term) => sum + units(term), 0);
  return Number.isFinite(left) ? left / 10 ** decimals : 0;
}

// Five digits: with fewer, what is worked out by hand strays from the result.
export const number5 = (value) => (Number.isFinite(value) ? `${Number(value.toPrecision(5))}`.replace("-", "−") : number(value));

export const minus = (value) => `${value}`.replace("-", "−");
