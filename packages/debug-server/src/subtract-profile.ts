/** What has come to a profile since an earlier one of the same kind. */
import { type BuiltProfile, ProfileBuilder } from './profile-builder.ts';

/** Values may be negative, as of memory that was given back. */
export function subtractProfile(later: BuiltProfile, earlier: BuiltProfile): BuiltProfile {
  const builder = new ProfileBuilder();
  for (const [profile, sign] of [
    [later, 1],
    [earlier, -1],
  ] as const) {
    const ids = profile.frames.map(({ name, file, line }) => builder.frame(name, file, line));
    for (const { stack, values, labels } of profile.samples) {
      const own = stack.map((frame) => ids[frame]!);
      builder.add(
        own,
        values.map((value) => value * sign),
        labels,
      );
    }
  }
  return builder.finish();
}
