// Unified diffs read backwards: the other side's text, from the file and the diff.

/**
 * Takes a unified diff back from the text that it leads to. Line ends of the result are LF: the engine's diffs are blind
 * to them. Throws where the text is not the one that the diff was made for.
 */
export function before(text: string, diff: string): string {
  const lines = split(text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n'));
  const result: string[] = [];
  let at = 0;
  const hunks = diff.replaceAll('\r\n', '\n').split(/^(?=@@ )/m).slice(1);
  for (const hunk of hunks) {
    const [head, ...body] = split(hunk);
    const numbers = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/.exec(head!);
    if (!numbers) throw new Error('not a unified diff');
    const start = numbers[2] === '0' ? Number(numbers[1]) : Number(numbers[1]) - 1;
    result.push(...lines.slice(at, start));
    at = start;
    for (const [index, line] of body.entries()) {
      // "\ No newline at end of file" is about the line above it.
      if (line.startsWith('\\')) continue;
      const content = body[index + 1]?.startsWith('\\') ? line.slice(1).replace(/\n$/, '') : line.slice(1);
      if (line.startsWith('-')) {
        result.push(content);
        continue;
      }
      if (lines[at] !== content) throw new Error('the diff is of another text');
      if (line.startsWith(' ')) result.push(content);
      at += 1;
    }
  }
  return [...result, ...lines.slice(at)].join('');
}

/** Lines with their ends. */
function split(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
