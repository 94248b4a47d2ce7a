// What is offered for a finding. Ranges count as the editor does: from 0, in UTF-16.
import type { Diagnostic, Utf16Position } from 'idse-core';

export interface Range {
  readonly start: Utf16Position;
  readonly end: Utf16Position;
}
export interface Replacement {
  readonly range: Range;
  readonly text: string;
}
export type Offer =
  | { readonly kind: 'edit'; readonly title: string; readonly edits: readonly Replacement[]; readonly preferred: boolean }
  | { readonly kind: 'command'; readonly title: string; readonly command: string; readonly argument: string };

const START: Range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

/** Where a finding is shown: the file's first line where it is about the file as a whole. */
export function rangeOf({ span }: Diagnostic): Range {
  const [start, end] = [span?.start.utf16, span?.end.utf16];
  return start && end ? { start, end } : START;
}

/** Sorts findings by their files. */
export function byPath(findings: readonly Diagnostic[]): Map<string, Diagnostic[]> {
  const files = new Map<string, Diagnostic[]>();
  for (const found of findings) files.set(found.path, [...(files.get(found.path) ?? []), found]);
  return files;
}

/** Lists what can be done about a finding in a text, the best first. */
export function offersFor(found: Diagnostic, text: string): Offer[] {
  const offers: Offer[] = [];
  const edits = found.fix?.edits.flatMap(({ range, replacement }) => (range ? [{ range, text: replacement }] : []));
  if (found.fix && edits?.length === found.fix.edits.length) {
    offers.push({ kind: 'edit', title: found.fix.title, edits, preferred: true });
  }
  const heading = missingHeading(found);
  if (heading) offers.push({ kind: 'edit', title: `Insert “${heading}”`, edits: [append(text, heading)], preferred: true });
  if (found.code === 'IDSE101' || found.code === 'IDSE102') {
    offers.push({ kind: 'command', title: 'Go to the next marker', command: 'idse.nextMarker', argument: found.code });
  }
  if (found.code === 'IDSE401' && found.stage) {
    offers.push({ kind: 'command', title: 'Resolve the conflict…', command: 'idse.resolve', argument: '' });
  }
  // What a comment in the text can hold back: not that there is no text, and not what other files say.
  if (found.stage && !/^IDSE([024]|9)/.test(found.code)) {
    const where = found.span ? 'here' : 'in this file';
    offers.push({ kind: 'edit', title: `Silence ${found.code} ${where}`, edits: [silence(found, text)], preferred: false });
  }
  offers.push({ kind: 'command', title: `Explain ${found.code} (${found.name})`, command: 'idse.openRule', argument: found.code });
  return offers;
}

/** The heading that the advice of a missing section names. */
export function missingHeading({ code, help }: Diagnostic): string | null {
  return code === 'IDSE103' ? (/`(#{1,6} [^`]+)`/.exec(help)?.[1] ?? null) : null;
}

/** The next of several places behind a position, around the end. */
export function nextAfter<T extends Range>(places: readonly T[], { line, character }: Utf16Position): T | undefined {
  const inOrder = [...places].sort((a, b) => a.start.line - b.start.line || a.start.character - b.start.character);
  const isBehind = ({ start }: T) => start.line > line || (start.line === line && start.character > character);
  return inOrder.find(isBehind) ?? inOrder[0];
}

const eolOf = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');

/** Adds a section at the end, apart from what is there by an empty line. */
function append(text: string, heading: string): Replacement {
  const eol = eolOf(text);
  const lines = text.split(/\r\n|\r|\n/);
  const at = { line: lines.length - 1, character: lines.at(-1)!.length };
  const isBlank = (line: string | undefined) => line === undefined || line.trim() === '';
  const gap = text === '' ? '' : !isBlank(lines.at(-1)) ? eol + eol : isBlank(lines.at(-2)) ? '' : eol;
  return { range: { start: at, end: at }, text: `${gap}${heading}${eol}${eol}` };
}

/** Writes the comment that holds a finding back: above its line, or above the text. */
function silence(found: Diagnostic, text: string): Replacement {
  const eol = eolOf(text);
  const lines = text.split(/\r\n|\r|\n/);
  if (found.span) {
    const { line } = rangeOf(found).start;
    const indent = /^[ \t]*/.exec(lines[line] ?? '')![0];
    const at = { line, character: 0 };
    return { range: { start: at, end: at }, text: `${indent}<!-- idse-disable-next-line ${found.code} -->${eol}` };
  }
  // Front matter stays the first thing in its file.
  const end = lines[0]?.trim() === '---' ? lines.findIndex((line, at) => at > 0 && line.trim() === '---') : -1;
  const at = { line: end + 1, character: 0 };
  return { range: { start: at, end: at }, text: `<!-- idse-disable-file ${found.code} -->${eol}` };
}
