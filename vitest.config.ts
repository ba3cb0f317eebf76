// One vitest for the monorepo. `ttrace-source` makes packages import each other's sources, so that no test of a
// library runs a stale build; whole-program tests (cli, sdk endings, browser) run `dist`, which `npm test` builds first.
import { defineConfig } from 'vitest/config';

const conditions = ['ttrace-source'];
const project = (name: string, include: string[], exclude: string[] = []) => ({
  extends: true as const,
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/dist/**', ...exclude],
    // What takes 20 seconds at most on an idle machine may take several times as long on a busy one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A page that has to draw first may need more than the second that is the default.
    expect: { poll: { timeout: 30_000 } },
  },
});

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Most tests wait for programs that they run; by itself vitest leaves a processor free.
    maxWorkers: '100%',
    // Tests leave a process as they found it, or run in one of their own: a new one for each file would take a sixth of the time.
    isolate: false,
    projects: [
      project('format', ['packages/format/**/*.test.ts']),
      project('record', [
        'packages/sdk/**/*.test.ts',
        'packages/sync/**/*.test.ts',
        'packages/otel/**/*.test.ts',
        'packages/debug-server/**/*.test.ts',
      ]),
      project(
        'read',
        [
          'packages/analysis/**/*.test.ts',
          'packages/pprof/**/*.test.ts',
          'packages/cli/**/*.test.ts',
          'viewer/**/*.test.ts',
          'samples/**/*.test.ts',
        ],
        ['**/*.browser.test.ts'],
      ),
      project('browser', ['**/*.browser.test.ts']),
    ],
  },
});
