/**
 * Gives the bundled Perfetto its rows' headings back: names, pin and selection buttons, foldable process headings. The
 * bundle leaves empty elements where they belong; they are filled after each of its redraws.
 */
import { type Bundle, runQuery } from './perfetto-bundle.ts';

/** Keeps all headings up to date from now on. */
export function nameTracks(bundle: Bundle): void {
  const { rafScheduler } = bundle.globals;
  const redraw = rafScheduler.syncDomRedraw.bind(rafScheduler);
  rafScheduler.syncDomRedraw = (nowMs) => {
    redraw(nowMs);
    for (const row of document.querySelectorAll<HTMLElement>('.track[id^="track_"]')) headRow(bundle, row);
    for (const group of document.querySelectorAll<HTMLElement>('.track-group-panel'))
      headGroup(bundle, group);
  };
}

function headRow({ globals, actions }: Bundle, row: HTMLElement): void {
  const id = row.id.slice('track_'.length);
  const { state } = globals;
  const track = state.tracks[id];
  const shell = row.querySelector<HTMLElement>('.track-shell');
  if (track === undefined || shell === null) return;
  const isPinned = state.pinnedTracks.includes(id);
  const selection = state.currentSelection;
  const area = selection?.kind === 'AREA' ? state.areas[selection.areaId ?? ''] : undefined;
  const isInArea = area?.tracks.includes(id);
  const version = `${id} ${isPinned} ${isInArea} ${track.name}`;
  if (shell.dataset.version === version) return;
  shell.dataset.version = version;
  const buttons = element('div', 'track-buttons');
  if (area !== undefined) {
    const label = isInArea ? 'Take out of the selected area' : 'Add to the selected area';
    const tick = iconButton(isInArea ? 'check_box' : 'check_box_outline_blank', label, () =>
      globals.dispatch(actions.toggleTrackSelection!({ id, isTrackGroup: false })),
    );
    tick.classList.add('show');
    buttons.append(tick);
  }
  const pin = iconButton(isPinned ? 'star' : 'star_border', isPinned ? 'Unpin' : 'Pin to the top', () =>
    globals.dispatch(actions.toggleTrackPinned!({ trackId: id })),
  );
  pin.classList.toggle('show', isPinned);
  buttons.append(pin);
  shell.replaceChildren(heading(track.name, track.kind === 'ChromeSliceTrack'), buttons);
}

function headGroup({ globals, actions }: Bundle, panel: HTMLElement): void {
  const id = panel.id.slice('track_'.length);
  const group = globals.state.trackGroups[id];
  if (group === undefined) return;
  const version = `${group.collapsed} ${group.name}`;
  let shell = panel.querySelector<HTMLElement>(':scope > .shell');
  if (shell?.dataset.version === version) return;
  if (shell === null) {
    shell = element('div', 'shell');
    shell.addEventListener('click', () =>
      globals.dispatch(actions.toggleTrackGroupCollapsed!({ trackGroupId: id })),
    );
    shell.addEventListener('mousedown', (event) => event.stopPropagation());
    panel.prepend(shell);
  }
  shell.dataset.version = version;
  shell.title = group.collapsed ? 'Unfold' : 'Fold';
  const fold = element('i', 'material-icons');
  fold.textContent = group.collapsed ? 'expand_more' : 'expand_less';
  shell.replaceChildren(fold, heading(group.name, true));
}

/** Hides the row that Perfetto makes for each process track, where nothing lies on it. */
export async function hideEmptyRows(bundle: Bundle): Promise<void> {
  const rows = Object.values(bundle.globals.state.tracks).filter((track) => track.kind === 'AsyncSliceTrack');
  const used = new Set<number>();
  const { rows: found } = await runQuery(bundle, 'select distinct track_id as id from slice');
  for (const { id } of found) used.add(Number(id));
  const empty = rows.filter((track) => !track.config.trackIds?.some((id) => used.has(id)));
  const sheet = new CSSStyleSheet();
  for (const { id } of empty) sheet.insertRule(`.panel:has(> #track_${CSS.escape(id)}) { display: none }`);
  document.adoptedStyleSheets = [sheet];
  bundle.globals.rafScheduler.scheduleFullRedraw();
}

/** Perfetto ends the names of threads and processes with their number, which is set apart. */
function heading(name: string, endsWithNumber: boolean): HTMLElement {
  const title = element('h1', '');
  title.title = name;
  const match = endsWithNumber ? /^(.+) (\d+)$/.exec(name) : null;
  title.textContent = match?.[1] ?? name;
  if (match !== null) {
    const number = element('small', '');
    number.textContent = match[2]!;
    title.append(' ', number);
  }
  return title;
}

function iconButton(icon: string, label: string, onClick: () => void): HTMLElement {
  const button = element('i', 'material-icons track-button');
  button.textContent = icon;
  button.title = label;
  button.addEventListener('click', (event) => {
    event.stopPropagation();
    onClick();
  });
  button.addEventListener('mousedown', (event) => event.stopPropagation());
  return button;
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
