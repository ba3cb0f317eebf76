/**
 * Listens on diagnostics channels while a source is on. Node.js makes an uncaught exception of whatever a listener throws, so
 * nothing leaves one: anybody may publish on a channel, and anything.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Subscribes each listener to the channel of its name; the result takes all of them back. */
export function listenOn(listeners: Readonly<Record<string, (message: never) => void>>): () => void {
  const subscribed = Object.entries(listeners).map(([channel, listener]) => {
    const guarded = (message: unknown): void => {
      try {
        listener(message as never);
      } catch {
        // A message that is not what Node.js publishes there.
      }
    };
    subscribe(channel, guarded);
    return [channel, guarded] as const;
  });
  return () => {
    for (const [channel, guarded] of subscribed) unsubscribe(channel, guarded);
  };
}
