/** The text of a JSON object with the members of a second one behind its own. Both may be ''. */
export function withMembers(text: string, more: string): string {
  if (text === '' || more === '') return text + more;
  return `${text.slice(0, -1)},${more.slice(1)}`;
}
