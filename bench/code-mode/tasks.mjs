// 20 tasks for a model with these tools. Frozen, as the tools are. Each has what a careful model does both ways: `direct`
// yields the calls of one round after the other, and gets their results; `code` is what it writes instead. In four tasks the
// model makes a mistake first, the same in both ways: a wrong name or a wrong value, which it mends.
import { weatherOf } from "./world.mjs";

const sum = (numbers) => Math.round(numbers.reduce((a, b) => a + b, 0) * 100) / 100;
const top = (items, key, count) => items.toSorted((a, b) => b[key] - a[key] || a.id - b.id).slice(0, count);

export const TASKS = [
  {
    prompt: "What is the sum of the totals of all open orders, in EUR?",
    *direct() {
      const [orders] = yield [["orders.list", { state: "open" }]];
      return sum(orders.map((o) => o.total));
    },
    code: `const orders = await tools.orders.list({ state: "open" });
return Math.round(orders.reduce((sum, order) => sum + order.total, 0) * 100) / 100;`,
    expected: (w) => sum(w.orders.filter((o) => o.state === "open").map((o) => o.total)),
  },
  {
    prompt: "Name the three customers with the highest total of orders that are not cancelled, the highest first.",
    *direct() {
      const [orders, customers] = yield [
        ["orders.list", {}],
        ["crm.list_customers", {}],
      ];
      return threeBest(orders, customers);
    },
    code: `const [orders, customers] = await Promise.all([tools.orders.list(), tools.crm.list_customers()]);
const totals = customers.map(({ id, name }) => ({
  id, name, total: orders.filter((o) => o.customerId === id && o.state !== "cancelled").reduce((s, o) => s + o.total, 0),
}));
totals.sort((a, b) => b.total - a.total || a.id - b.id).slice(0, 3).map(({ name }) => name)`,
    expected: (w) => threeBest(w.orders, w.customers),
  },
  {
    prompt: "Which products with fewer than 5 pieces in stock are part of an open order? Give their SKUs, sorted.",
    *direct() {
      const [products] = yield [["products.list", {}]];
      const low = products.filter((p) => p.stock < 5);
      const found = yield low.map((p) => ["orders.search", { sku: p.sku }]);
      return low
        .filter((_, at) => found[at].some((o) => o.state === "open"))
        .map((p) => p.sku)
        .sort();
    },
    code: `const low = (await tools.products.list()).filter((product) => product.stock < 5);
const found = await Promise.all(low.map(({ sku }) => tools.orders.search({ sku })));
low.filter((_, at) => found[at].some((order) => order.state === "open")).map(({ sku }) => sku).sort()`,
    expected: (w) =>
      w.products
        .filter((p) => p.stock < 5 && w.orders.some((o) => o.state === "open" && o.items.some((i) => i.sku === p.sku)))
        .map((p) => p.sku)
        .sort(),
  },
  {
    prompt:
      "Assign every open ticket of high priority that nobody has to the first member of the support team. How many were there?",
    *direct() {
      const [tickets, team] = yield [
        ["tickets.list", { state: "open", priority: "high", assigneeId: 0 }],
        ["staff.list", { team: "support" }],
      ];
      if (tickets.length > 0) yield tickets.map((t) => ["tickets.assign", { id: t.id, assigneeId: team[0].id }]);
      return tickets.length;
    },
    code: `const tickets = await tools.tickets.list({ state: "open", priority: "high", assigneeId: 0 });
const [first] = await tools.staff.list({ team: "support" });
for (const { id } of tickets) await tools.tickets.assign({ id, assigneeId: first.id });
return tickets.length;`,
    expected: (_, before) =>
      before.tickets.filter((t) => t.state === "open" && t.priority === "high" && t.assigneeId === 0).length,
  },
  {
    prompt: "Which city has the most customers of tier gold, and how many?",
    *direct() {
      const [customers] = yield [["crm.list_customers", {}]];
      return mostGold(customers);
    },
    code: `const gold = (await tools.crm.list_customers()).filter((customer) => customer.tier === "gold");
const [[city, count]] = Object.entries(Object.groupBy(gold, (customer) => customer.city))
  .map(([city, list]) => [city, list.length])
  .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
return { city, count };`,
    expected: (w) => mostGold(w.customers),
  },
  {
    prompt:
      "Send a reminder by mail to each customer with an overdue invoice, one mail each. Give the addresses, sorted.",
    *direct() {
      const [invoices] = yield [["invoices.list", { state: "overdue" }]];
      const ids = [...new Set(invoices.map((i) => i.customerId))];
      const customers = yield ids.map((id) => ["crm.get_customer", { id }]);
      yield customers.map((c) => ["mail.send", { to: c.email, subject: "Reminder", body: "Your invoice is overdue." }]);
      return customers.map((c) => c.email).sort();
    },
    code: `const overdue = await tools.invoices.list({ state: "overdue" });
const ids = [...new Set(overdue.map((invoice) => invoice.customerId))];
const customers = await Promise.all(ids.map((id) => tools.crm.get_customer({ id })));
for (const { email } of customers)
  await tools.mail.send({ to: email, subject: "Reminder", body: "Your invoice is overdue." });
return customers.map(({ email }) => email).sort();`,
    expected: (w) =>
      [
        ...new Set(
          w.invoices.filter((i) => i.state === "overdue").map((i) => String(w.customers[i.customerId - 1].email)),
        ),
      ].sort((a, b) => (a < b ? -1 : 1)),
  },
  {
    prompt: "What is the sum of all overdue invoices in NOK? Amounts are in EUR.",
    *direct() {
      const [invoices] = yield [["invoices.list", { state: "overdue" }]];
      const [{ amount }] = yield [
        ["currency.convert", { amount: sum(invoices.map((i) => i.amount)), from: "EUR", to: "NOK" }],
      ];
      return amount;
    },
    code: `const overdue = await tools.invoices.list({ state: "overdue" });
const amount = overdue.reduce((sum, invoice) => sum + invoice.amount, 0);
return (await tools.currency.convert({ amount, from: "EUR", to: "NOK" })).amount;`,
    expected: (w) =>
      Math.round(sum(w.invoices.filter((i) => i.state === "overdue").map((i) => i.amount)) * 11.5 * 100) / 100,
  },
  {
    prompt: "Which shipments are lost, and what is the name of the customer of each? Give [shipment id, name], by id.",
    *direct() {
      const [lost] = yield [["shipments.list", { state: "lost" }]];
      const orders = yield lost.map((s) => ["orders.get", { id: s.orderId }]);
      const customers = yield orders.map((o) => ["crm.get_customer", { id: o.customerId }]);
      return lost.map((s, at) => [s.id, customers[at].name]);
    },
    code: `const lost = await tools.shipments.list({ state: "lost" });
return Promise.all(lost.map(async ({ id, orderId }) => {
  const { customerId } = await tools.orders.get({ id: orderId });
  return [id, (await tools.crm.get_customer({ id: customerId })).name];
}));`,
    expected: (w) =>
      w.shipments
        .filter((s) => s.state === "lost")
        .map((s) => [s.id, w.customers[w.orders.find((o) => o.id === s.orderId).customerId - 1].name]),
  },
  {
    prompt:
      "Find an hour on 2026-01-05 at which everybody in sales is free, the earliest, and enter a meeting for each of them.",
    *direct() {
      const [team] = yield [["staff.list", { team: "sales" }]];
      const free = yield team.map((s) => ["calendar.free_hours", { staffId: s.id, date: "2026-01-05" }]);
      const hour = free[0].find((h) => free.every((hours) => hours.includes(h)));
      yield team.map((s) => ["calendar.create_event", { staffId: s.id, title: "Meeting", date: "2026-01-05", hour }]);
      return hour;
    },
    code: `const team = await tools.staff.list({ team: "sales" });
const date = "2026-01-05";
const free = await Promise.all(team.map(({ id }) => tools.calendar.free_hours({ staffId: id, date })));
const hour = free[0].find((one) => free.every((hours) => hours.includes(one)));
for (const { id } of team) await tools.calendar.create_event({ staffId: id, title: "Meeting", date, hour });
return hour;`,
    expected: (w) =>
      [9, 10, 11, 12, 13, 14, 15, 16, 17].find(
        (h) =>
          !w.events.some(
            (e) =>
              e.date === "2026-01-05" &&
              e.hour === h &&
              e.title !== "Meeting" &&
              w.staff[e.staffId - 1].team === "sales",
          ),
      ),
  },
  {
    prompt: "Raise the price of all gifts by 10 %, rounded to cents. Give the new prices by SKU.",
    *direct() {
      const [gifts] = yield [["products.list", { category: "gift" }]];
      const changed = yield gifts.map((p) => [
        "products.set_price",
        { sku: p.sku, price: Math.round(p.price * 110) / 100 },
      ]);
      return Object.fromEntries(changed.map((p) => [p.sku, p.price]));
    },
    code: `const prices = {};
for (const { sku, price } of await tools.products.list({ category: "gift" }))
  prices[sku] = (await tools.products.set_price({ sku, price: Math.round(price * 110) / 100 })).price;
return prices;`,
    expected: (_, before) =>
      Object.fromEntries(
        before.products.filter((p) => p.category === "gift").map((p) => [p.sku, Math.round(p.price * 110) / 100]),
      ),
  },
  {
    prompt: "How many degrees warmer is the warmest city with customers than the coldest, now?",
    *direct() {
      const [customers] = yield [["crm.list_customers", {}]];
      const cities = [...new Set(customers.map((c) => c.city))];
      const weather = yield cities.map((city) => ["weather.current", { city }]);
      const all = weather.map((one) => one.celsius);
      return Math.max(...all) - Math.min(...all);
    },
    code: `const cities = [...new Set((await tools.crm.list_customers()).map(({ city }) => city))];
const weather = await Promise.all(cities.map((city) => tools.weather.current({ city })));
const all = weather.map(({ celsius }) => celsius);
return Math.max(...all) - Math.min(...all);`,
    expected: (w) => {
      const all = w.customers.map((c) => weatherOf(c.city).celsius);
      return Math.max(...all) - Math.min(...all);
    },
  },
  {
    prompt: "What is the address of the customer who placed order 1010?",
    *direct() {
      const [order] = yield [["orders.get", { id: 1010 }]];
      const [customer] = yield [["crm.get_customer", { id: order.customerId }]];
      return customer.email;
    },
    code: `const { customerId } = await tools.orders.get({ id: 1010 });
return (await tools.crm.get_customer({ id: customerId })).email;`,
    expected: (w) => w.customers[w.orders[9].customerId - 1].email,
  },
  {
    prompt: "What does product P-004 cost?",
    *direct() {
      const [product] = yield [["products.get", { sku: "P-004" }]];
      return product.price;
    },
    code: `return (await tools.products.get({ sku: "P-004" })).price;`,
    expected: (w) => w.products[3].price,
  },
  {
    prompt: "Create an invoice in EUR for each paid order that has none, and send it. How many?",
    *direct() {
      const [orders, invoices] = yield [
        ["orders.list", { state: "paid" }],
        ["invoices.list", {}],
      ];
      const without = orders.filter((o) => !invoices.some((i) => i.orderId === o.id));
      const made = yield without.map((o) => ["invoices.create", { orderId: o.id, currency: "EUR" }]);
      yield made.map((i) => ["invoices.send", { id: i.id }]);
      return made.length;
    },
    code: `const [orders, invoices] = await Promise.all([tools.orders.list({ state: "paid" }), tools.invoices.list()]);
const known = new Set(invoices.map(({ orderId }) => orderId));
let count = 0;
for (const { id } of orders.filter((order) => !known.has(order.id))) {
  const invoice = await tools.invoices.create({ orderId: id, currency: "EUR" });
  await tools.invoices.send({ id: invoice.id });
  count++;
}
return count;`,
    expected: (_, before) =>
      before.orders.filter((o) => o.state === "paid" && !before.invoices.some((i) => i.orderId === o.id)).length,
  },
  {
    prompt:
      "Which tickets are older than 60 days on 2026-03-31 and not closed? Comment each with 'overdue'. Give their ids.",
    *direct() {
      const [open, waiting] = yield [
        ["tickets.list", { state: "open" }],
        ["tickets.list", { state: "waiting" }],
      ];
      const old = oldOnes([...open, ...waiting]);
      yield old.map((id) => ["tickets.comment", { id, text: "overdue" }]);
      return old;
    },
    code: `const tickets = (await Promise.all(["open", "waiting"].map((state) => tools.tickets.list({ state })))).flat();
const limit = Date.parse("2026-03-31") - 60 * 86_400_000;
const old = tickets.filter(({ openedAt }) => Date.parse(openedAt) < limit).map(({ id }) => id).sort((a, b) => a - b);
await Promise.all(old.map((id) => tools.tickets.comment({ id, text: "overdue" })));
return old;`,
    expected: (w) => oldOnes(w.tickets.filter((t) => t.state !== "closed")),
  },
  {
    prompt: "For each team, how many open or waiting tickets do its members have?",
    *direct() {
      const [staff, open, waiting] = yield [
        ["staff.list", {}],
        ["tickets.list", { state: "open" }],
        ["tickets.list", { state: "waiting" }],
      ];
      return perTeam(staff, [...open, ...waiting]);
    },
    code: `const [staff, open, waiting] = await Promise.all([
  tools.staff.list(), tools.tickets.list({ state: "open" }), tools.tickets.list({ state: "waiting" }),
]);
const counts = { support: 0, sales: 0, logistics: 0 };
for (const ticket of [...open, ...waiting]) {
  const person = staff.find(({ id }) => id === ticket.assigneeId);
  if (person) counts[person.team]++;
}
return counts;`,
    expected: (w) =>
      perTeam(
        w.staff,
        w.tickets.filter((t) => t.state !== "closed"),
      ),
  },
  {
    prompt: "What is the mean total of the orders that were sent, in USD, to cents?",
    mistake: {
      call: ["orders.list", { state: "shipped" }],
      code: `const orders = await tools.orders.list({ state: "shipped" });`,
    },
    *direct() {
      const [orders] = yield [["orders.list", { state: "sent" }]];
      const [{ rate }] = yield [["currency.rate", { from: "EUR", to: "USD" }]];
      return Math.round((sum(orders.map((o) => o.total)) / orders.length) * rate * 100) / 100;
    },
    code: `const orders = await tools.orders.list({ state: "sent" });
const { rate } = await tools.currency.rate({ from: "EUR", to: "USD" });
return Math.round((orders.reduce((sum, order) => sum + order.total, 0) / orders.length) * rate * 100) / 100;`,
    expected: (w) => {
      const sent = w.orders.filter((o) => o.state === "sent");
      return Math.round((sum(sent.map((o) => o.total)) / sent.length) * 1.1 * 100) / 100;
    },
  },
  {
    prompt: "Upgrade every basic customer with more than three orders to plus. Give their ids.",
    mistake: {
      call: ["crm.update_customer", { id: 1, tier: "silver" }],
      code: `await tools.crm.update_customer({ id: 1, tier: "silver" });`,
    },
    *direct() {
      const [customers, orders] = yield [
        ["crm.list_customers", {}],
        ["orders.list", {}],
      ];
      const ids = basicWithMany(customers, orders);
      yield ids.map((id) => ["crm.update_customer", { id, tier: "plus" }]);
      return ids;
    },
    code: `const [customers, orders] = await Promise.all([tools.crm.list_customers(), tools.orders.list()]);
const ids = customers
  .filter(({ id, tier }) => tier === "basic" && orders.filter((order) => order.customerId === id).length > 3)
  .map(({ id }) => id);
for (const id of ids) await tools.crm.update_customer({ id, tier: "plus" });
return ids;`,
    expected: (_, before) => basicWithMany(before.customers, before.orders),
  },
  {
    prompt:
      "Who has the most events from 2026-01-01 to 2026-01-10? Give the name, the first by id where several have as many.",
    mistake: { call: ["staff.find", {}], code: `const staff = await tools.staff.find();` },
    *direct() {
      const [staff] = yield [["staff.list", {}]];
      const asked = staff.flatMap(({ id }) => days().map((date) => [id, date]));
      const found = yield asked.map(([staffId, date]) => ["calendar.list_events", { staffId, date }]);
      const counts = staff.map((person) => ({
        ...person,
        count: found.filter((_, at) => asked[at][0] === person.id).flat().length,
      }));
      return top(counts, "count", 1)[0].name;
    },
    code: `const staff = await tools.staff.list();
const dates = Array.from({ length: 10 }, (_, n) => \`2026-01-\${String(n + 1).padStart(2, "0")}\`);
const counts = await Promise.all(staff.map(async (person) => {
  const days = await Promise.all(dates.map((date) => tools.calendar.list_events({ staffId: person.id, date })));
  return { ...person, count: days.flat().length };
}));
counts.sort((a, b) => b.count - a.count || a.id - b.id);
return counts[0].name;`,
    expected: (w) =>
      top(
        w.staff.map((s) => ({ ...s, count: w.events.filter((e) => e.staffId === s.id).length })),
        "count",
        1,
      )[0].name,
  },
  {
    prompt:
      "For the five largest orders: the total, the customer's name, and where the parcel is ('none' without one).",
    mistake: {
      call: ["shipments.track", { order: 1001 }],
      code: `const shipment = await tools.shipments.track({ order: 1001 });`,
    },
    *direct() {
      const [orders, shipments] = yield [
        ["orders.list", {}],
        ["shipments.list", {}],
      ];
      const best = top(orders, "total", 5);
      const customers = yield best.map((o) => ["crm.get_customer", { id: o.customerId }]);
      return best.map((o, at) => [
        o.total,
        customers[at].name,
        shipments.find((s) => s.orderId === o.id)?.state ?? "none",
      ]);
    },
    code: `const [orders, shipments] = await Promise.all([tools.orders.list(), tools.shipments.list()]);
const best = orders.sort((a, b) => b.total - a.total || a.id - b.id).slice(0, 5);
return Promise.all(best.map(async ({ id, total, customerId }) => [
  total,
  (await tools.crm.get_customer({ id: customerId })).name,
  shipments.find(({ orderId }) => orderId === id)?.state ?? "none",
]));`,
    expected: (w) =>
      top(w.orders, "total", 5).map((o) => [
        o.total,
        w.customers[o.customerId - 1].name,
        w.shipments.find((s) => s.orderId === o.id)?.state ?? "none",
      ]),
  },
];

function threeBest(orders, customers) {
  const totals = customers.map(({ id, name }) => ({
    id,
    name,
    total: orders.filter((o) => o.customerId === id && o.state !== "cancelled").reduce((s, o) => s + o.total, 0),
  }));
  return top(totals, "total", 3).map(({ name }) => name);
}

function mostGold(customers) {
  const counts = Object.groupBy(
    customers.filter((c) => c.tier === "gold"),
    (c) => c.city,
  );
  const [[city, list]] = Object.entries(counts).sort((a, b) => b[1].length - a[1].length || a[0].localeCompare(b[0]));
  return { city, count: list.length };
}

function oldOnes(tickets) {
  const limit = Date.parse("2026-03-31") - 60 * 86_400_000;
  return tickets
    .filter((t) => Date.parse(t.openedAt) < limit)
    .map((t) => t.id)
    .sort((a, b) => a - b);
}

function perTeam(staff, tickets) {
  const counts = { support: 0, sales: 0, logistics: 0 };
  for (const t of tickets) {
    const person = staff.find((s) => s.id === t.assigneeId);
    if (person) counts[person.team]++;
  }
  return counts;
}

function basicWithMany(customers, orders) {
  return customers
    .filter((c) => c.tier === "basic" && orders.filter((o) => o.customerId === c.id).length > 3)
    .map((c) => c.id);
}

function days() {
  return Array.from({ length: 10 }, (_, n) => `2026-01-${String(n + 1).padStart(2, "0")}`);
}
