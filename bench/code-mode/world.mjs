// A small company, the same each time: what the tools of the benchmark read and change.

/** Numbers from a seed, for data that looks like data. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const CITIES = ["Berlin", "Oslo", "Lyon", "Porto", "Graz", "Ghent"];
const FIRST = ["Anna", "Ben", "Cleo", "Dario", "Elif", "Finn", "Greta", "Hugo"];
const LAST = ["Abel", "Brandt", "Costa", "Dahl", "Evers", "Fabre", "Gruber", "Haas"];
const TEAMS = ["support", "sales", "logistics"];
const day = (n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);

/** A fresh world. */
export function createWorld() {
  const next = numbers(7);
  const pick = (list) => list[next(list.length)];
  const customers = Array.from({ length: 24 }, (_, i) => {
    const name = `${FIRST[i % 8]} ${LAST[(i * 3) % 8]}`;
    return {
      id: i + 1,
      name,
      email: `c${i + 1}@example.com`,
      city: pick(CITIES),
      tier: pick(["basic", "plus", "gold"]),
      notes: [],
    };
  });
  const products = Array.from({ length: 20 }, (_, i) => ({
    sku: `P-${String(i + 1).padStart(3, "0")}`,
    name: `${pick(["Tea", "Cup", "Pot", "Tin", "Jar"])} ${i + 1}`,
    price: 5 + next(60),
    stock: next(40),
    category: pick(["drink", "ware", "gift"]),
  }));
  const orders = Array.from({ length: 60 }, (_, i) => {
    const items = Array.from({ length: 1 + next(3) }, () => ({ sku: pick(products).sku, quantity: 1 + next(4) }));
    const total = items.reduce(
      (sum, { sku, quantity }) => sum + products.find((p) => p.sku === sku).price * quantity,
      0,
    );
    return {
      id: 1001 + i,
      customerId: pick(customers).id,
      date: day(next(90)),
      state: pick(["open", "sent", "paid", "cancelled"]),
      items,
      total,
    };
  });
  const staff = Array.from({ length: 9 }, (_, i) => ({
    id: i + 1,
    name: `${FIRST[(i + 3) % 8]} ${LAST[i % 8]}`,
    team: TEAMS[i % 3],
  }));
  const tickets = Array.from({ length: 30 }, (_, i) => ({
    id: 501 + i,
    customerId: pick(customers).id,
    subject: pick(["Late parcel", "Broken cup", "Wrong item", "Refund", "Question"]),
    state: pick(["open", "waiting", "closed"]),
    priority: pick(["low", "normal", "high"]),
    assigneeId: pick([0, ...staff.map(({ id }) => id)]),
    openedAt: day(next(90)),
    comments: [],
  }));
  const invoices = orders.slice(0, 40).map(({ id, customerId, total }, i) => ({
    id: 9001 + i,
    orderId: id,
    customerId,
    amount: total,
    currency: pick(["EUR", "NOK"]),
    state: pick(["draft", "sent", "paid", "overdue"]),
  }));
  const shipments = orders.slice(0, 30).map(({ id }, i) => ({
    id: 7001 + i,
    orderId: id,
    carrier: pick(["DHL", "Bring", "DPD"]),
    state: pick(["packed", "moving", "delivered", "lost"]),
  }));
  const events = Array.from({ length: 16 }, (_, i) => ({
    id: 301 + i,
    title: pick(["Stand-up", "Review", "Interview"]),
    date: day(next(10)),
    hour: 9 + next(8),
    staffId: 1 + next(9),
  }));
  return {
    customers,
    products,
    orders,
    staff,
    tickets,
    invoices,
    shipments,
    events,
    mails: [],
    rates: { EUR: 1, NOK: 11.5, USD: 1.1 },
  };
}

/** The weather is where it is. */
export function weatherOf(city) {
  const at = CITIES.indexOf(city);
  return { city, celsius: 4 + at * 3, rain: at % 2 === 0 };
}
