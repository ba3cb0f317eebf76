/** The part of the home page that teaches: what patterns mean in a timeline of Node.js threads, and the keys that help. */
import type { Child } from 'hono/jsx';

const PATTERNS: readonly [string, string][] = [
  [
    'One long slice on the main thread',
    'While it lasts the event loop turns nothing else: no timer, no request, no promise. Click it for its arguments; what cannot be made shorter belongs in a worker.',
  ],
  [
    'Workers that take turns',
    'Slices on different threads should overlap. A staircase, where each starts when the one before ends, means that something hands out work one piece at a time, or that they wait for one lock.',
  ],
  [
    'A gap between a task and its first region',
    'The task was waiting: for a free worker, for a message to be read, for I/O. Compare the gaps of many tasks; a growing gap is a queue that fills.',
  ],
  [
    'A long arrow',
    'Arrows run from where a message was sent to where it was handled. Select either end to see them. A long one means that the receiver was busy: look at what its thread did meanwhile.',
  ],
  [
    'Same name, different length',
    'Drag over a stretch of one track: the table below counts every name with its total and average. One outlier among equals is where to look first.',
  ],
  [
    'Nothing at all',
    'An empty stretch on every track means that the program waited for the outside, or that this part of it is not marked yet: wrap it in a region.',
  ],
];

const KEYS: readonly [string, string][] = [
  ['W S', 'zoom in and out at the pointer'],
  ['A D', 'move left and right'],
  ['click', 'a slice: its arguments and arrows'],
  ['drag', 'a stretch: sums by name'],
  ['[ ]', 'follow the selected arrow back and on'],
  ['F', 'zoom to the selection'],
  ['M', 'mark the selection'],
  ['/', 'search slices by name'],
  [':', 'in the search box: SQL'],
  ['?', 'all keys'],
];

/** What to look for in the timeline, and how to move in it. */
export function Guide(): Child {
  return (
    <>
      <section>
        <h2>What to look for</h2>
        <div class="cards">
          {PATTERNS.map(([name, meaning]) => (
            <article>
              <h3>{name}</h3>
              <p>{meaning}</p>
            </article>
          ))}
        </div>
      </section>
      <section>
        <h2>Moving in the timeline</h2>
        <dl class="keys">
          {KEYS.map(([key, action]) => (
            <div>
              <dt>
                {key.split(' ').map((each) => (
                  <kbd>{each}</kbd>
                ))}
              </dt>
              <dd>{action}</dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
