/** The numbers that Python writes and JSON has not, where a value stands. */
const OF_PYTHON = /([:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g;

/** A JSON, in which NaN and Infinity, as Python's own writer leaves them, are null. @throws SyntaxError when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const cleaned = text.replace(OF_PYTHON, '$1null');
    if (cleaned === text) throw error;
    return JSON.parse(cleaned);
  }
}
