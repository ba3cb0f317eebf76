/** The profiles that pages show of one trace: made when asked for and kept for a while, so that zooming in costs nothing. */
import { type FlameTree, flameTree, type Profile, profileOf, type TraceIndex } from '@ttrace/analysis';
import { type ProfileQuery, printProfileQuery } from './profile-query.ts';

export interface KeptProfile {
  readonly profile: Profile;
  readonly tree: FlameTree;
}

/** All four of a trace, and as many of parts of it. */
const MAX_PROFILES = 8;

export class ProfileStore {
  readonly #index: () => TraceIndex;
  /** The one asked for last is last. */
  readonly #kept = new Map<string, KeptProfile>();

  /** @param index is asked for with the first profile, not before. */
  constructor(index: () => TraceIndex) {
    this.#index = index;
  }

  get({ type, filter, region }: Omit<ProfileQuery, 'focus'>): KeptProfile {
    const key = printProfileQuery({ type, filter, region });
    let kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (kept === undefined) {
      const profile = profileOf(this.#index(), type, { filter, region });
      kept = { profile, tree: flameTree(profile) };
    }
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_PROFILES) break;
      this.#kept.delete(oldest);
    }
    return kept;
  }
}
