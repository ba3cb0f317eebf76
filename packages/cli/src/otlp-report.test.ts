/** Advice that fits the reason for which spans are lost. */
import { readTextTrace } from '@ttrace/format';
import type { ExportResult } from '@ttrace/otel/otlp';
import { expect, test } from 'vitest';
import { lossText, notReadLines } from './otlp-report.ts';

const RESULT = {
  counts: { spans: 1, events: 0, links: 0, byCategory: new Map(), leftOut: new Map(), unsendable: new Map() },
  sent: 0,
  unsent: 0,
  crowdedOut: 0,
  cutTexts: 0,
  stopped: undefined,
} as unknown as ExportResult;

test.each([
  ['self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
  [
    "Hostname/IP does not match certificate's altnames (ERR_TLS_CERT_ALTNAME_INVALID)",
    'as its certificate does',
  ],
  ['certificate has expired (CERT_HAS_EXPIRED)', 'needs a new certificate'],
  ['answered 200: a web page, not a receiver of OTLP', 'spans go to https://host/v1/traces'],
])('%s: %s', (reason, advice) => {
  expect(lossText({ ...RESULT, lost: new Map([[reason, 1]]) }, 'https://host/v1/traces')).toContain(advice);
});

test('what the reader of another format passes over is said too, and is no loss of spans', () => {
  const trace = readTextTrace('# ttrace text 1\nskipped 3 "end without begin"\nskipped 1 "phase q"\n');
  expect(notReadLines(trace)).toEqual(['Not read from the file: end without begin (3), phase q (1)']);
  expect(notReadLines({ ...trace, format: 'otlp' })).toEqual([]);
});
