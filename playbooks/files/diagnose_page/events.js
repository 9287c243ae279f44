// The cluster's events: how they lie in time, then each, the latest first.

const BUCKETS = 60;

function eventChart(list) {
  const times = list.map((one) => Date.parse(one.item.time)).filter((time) => !Number.isNaN(time));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  if (times.length < 2 || from === to) return null;
  const buckets = Array.from({ length: BUCKETS }, () => ({ amiss: 0, fine: 0 }));
  list.forEach((one) => {
    const place = (Date.parse(one.item.time) - from) / (to - from);
    if (!Number.isNaN(place)) buckets[Math.min(BUCKETS - 1, Math.floor(place * BUCKETS))][one.state] += 1;
  });
  const tallest = Math.max(...buckets.map((bucket) => bucket.amiss + bucket.fine));
  const bars = buckets.flatMap((bucket, index) => {
    const [amiss, fine] = [(bucket.amiss / tallest) * 46, (bucket.fine / tallest) * 46];
    const bar = (state, y, height) => (height ? [svg('rect', { class: state, x: index * 10 + 1, y, width: 8, height: Math.max(height, 2) })] : []);
    return [...bar('amiss', 48 - amiss, amiss), ...bar('fine', 48 - amiss - fine, fine)];
  });
  const ends = [list[list.length - 1].item.time, list[0].item.time];
  return el(
    'figure',
    { class: 'chart' },
    svg('svg', { viewBox: '0 0 600 48', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...bars),
    el('figcaption', {}, el('span', {}, clock(ends[0])), el('span', { class: 'keys' }, badge('amiss', 'Warning'), badge('fine', 'Normal')), el('span', {}, clock(ends[1]))),
  );
}

function eventItem({ item: event, state }) {
  const object = [event.kind, event.namespace ? event.namespace + '/' + event.name : event.name].filter(Boolean).join(' ');
  return el(
    'li',
    { class: state },
    el('div', { class: 'when' }, clock(event.time)),
    el(
      'div',
      { class: 'what' },
      el('p', {}, badge(state, event.type || 'Event'), ' ', el('strong', {}, event.reason || ''), event.count > 1 ? el('span', { class: 'quiet' }, ' ' + number(event.count) + ' times') : null),
      el('p', { class: 'message' }, event.message || ''),
      el('p', { class: 'quiet' }, object, event.board ? [' on ', look(event.board, 'board:' + event.board, 'boards')] : [], event.source ? ', from ' + event.source : ''),
    ),
  );
}

function eventsSection(into, list) {
  const chart = eventChart(list);
  const items = el('ol', { class: 'plain timeline' });
  if (chart) into.append(chart);
  into.append(items, paged(items, list, 50, eventItem, 'event'));
}
