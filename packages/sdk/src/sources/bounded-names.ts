/** Names that a source makes from what the program does. A thread has room for so many; these must not take it all. */
import { OTHER_NAME_ID } from '../ring.ts';

const MAX_NAMES = 1000;

/**
 * Looks up the id of a name, or of the one given instead once there are too many. For one recording, as the ids are.
 * @param idOf defines a name and returns its id.
 */
export function boundedNames(
  idOf: (name: string) => number,
  most: number = MAX_NAMES,
): (name: string, instead: string) => number {
  const known = new Map<string, number>();
  return (name, instead) => {
    const id = known.get(name);
    if (id !== undefined) return id;
    if (known.size >= most) return idOf(instead);
    const made = idOf(name);
    // There was no room for it at the moment: its next use tries again.
    if (made !== OTHER_NAME_ID) known.set(name, made);
    return made;
  };
}
