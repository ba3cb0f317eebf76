/** Lets the link to a table's Markdown copy it instead. Without this script the link shows it. */

for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-copy]')) {
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !('clipboard' in navigator)) return;
    event.preventDefault();
    void copy(link);
  });
}

async function copy(link: HTMLAnchorElement): Promise<void> {
  const status = link.parentElement?.querySelector('[role=status]');
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(`${answer.status}`);
    await navigator.clipboard.writeText(await answer.text());
    if (status) status.textContent = 'Copied.';
  } catch {
    location.assign(link.href);
  }
}
