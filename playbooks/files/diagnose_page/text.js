// Text of the data as it is shown: what would be hidden, turn the direction or act in a terminal is written as an escape.
// As module_utils/text.py has it, but ends of lines and tabs stay.

// Like U+034F, some letters and marks show nothing; the last range has the tags.
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\u{e0000}-\u{e0fff}]/gu;

function escaped(character) {
  if (character === '\n' || character === '\t') return character;
  const code = character.codePointAt(0).toString(16);
  return code.length < 3 ? '\\x' + code.padStart(2, '0') : code.length < 5 ? '\\u' + code.padStart(4, '0') : '\\U' + code.padStart(8, '0');
}

function printable(text) {
  return text.replace(UNFIT, escaped);
}

// For JSON.parse: a value whose texts are printable, names of labels too.
function printableValue(key, value) {
  if (typeof value === 'string') return printable(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [printable(name), one]));
}
