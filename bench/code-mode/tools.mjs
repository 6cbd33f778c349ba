// 45 tools as servers of today offer them: each with a description, and a schema that describes every field. Frozen: results
// of different versions are to be compared.
import { weatherOf } from "./world.mjs";

const text = (description, more = {}) => ({ type: "string", description, ...more });
const number = (description, more = {}) => ({ type: "integer", description, ...more });
const list = (items, description) => ({ type: "array", items, description });
const one = (description, ...values) => ({ type: "string", enum: values, description });
const object = (properties, optional = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  additionalProperties: false,
});

const limit = number("The largest number of results to return, at most 200", { minimum: 1, maximum: 200 });
const offset = number("How many results to skip, for paging through a long list", { minimum: 0 });
const id = (what) => number(`The unique id of the ${what}, as returned by the list and search tools`);
const paging = ["limit", "offset"];

const CUSTOMER = object({
  id: id("customer"),
  name: text("Full name"),
  email: text("Email address"),
  city: text("City"),
  tier: one("Tier", "basic", "plus", "gold"),
  notes: list(text("Note"), "Notes"),
});
const ITEM = object({ sku: text("The stock keeping unit of the product"), quantity: number("How many pieces") });
const ORDER = object({
  id: id("order"),
  customerId: id("customer"),
  date: text("Date, YYYY-MM-DD"),
  state: one("State", "open", "sent", "paid", "cancelled"),
  items: list(ITEM, "What was ordered"),
  total: { type: "number", description: "Total in EUR" },
});
const PRODUCT = object({
  sku: text("Stock keeping unit"),
  name: text("Name"),
  price: { type: "number", description: "Price in EUR" },
  stock: number("Pieces in stock"),
  category: one("Category", "drink", "ware", "gift"),
});
const TICKET = object({
  id: id("ticket"),
  customerId: id("customer"),
  subject: text("Subject"),
  state: one("State", "open", "waiting", "closed"),
  priority: one("Priority", "low", "normal", "high"),
  assigneeId: id("member of staff, 0 for nobody"),
  openedAt: text("Date, YYYY-MM-DD"),
  comments: list(text("Comment"), "Comments"),
});
const INVOICE = object({
  id: id("invoice"),
  orderId: id("order"),
  customerId: id("customer"),
  amount: { type: "number", description: "Amount in EUR" },
  currency: one("Currency of payment", "EUR", "NOK"),
  state: one("State", "draft", "sent", "paid", "overdue"),
});
const SHIPMENT = object({
  id: id("shipment"),
  orderId: id("order"),
  carrier: text("Carrier"),
  state: one("State", "packed", "moving", "delivered", "lost"),
});
const EVENT = object({
  id: id("event"),
  title: text("Title"),
  date: text("Date, YYYY-MM-DD"),
  hour: number("Hour of the day"),
  staffId: id("member of staff"),
});
const MAIL = object({ id: id("mail"), to: text("Recipient"), subject: text("Subject"), body: text("Body") });
const STAFF = object({
  id: id("member of staff"),
  name: text("Name"),
  team: one("Team", "support", "sales", "logistics"),
});

const page = (items, { limit: most = 200, offset: from = 0 }) => items.slice(from, from + most);
const find = (items, key, value, what) => {
  const found = items.find((item) => item[key] === value);
  if (found === undefined) throw new Error(`There is no ${what} ${value}`);
  return found;
};
const has = (value, words) => JSON.stringify(value).toLowerCase().includes(words.toLowerCase());
const change = (item, fields) => Object.assign(item, fields);
const add = (items, item) => {
  items.push(item);
  return item;
};

/** The tools over a world. */
export function createTools(w) {
  const newId = (items) => Math.max(0, ...items.map((item) => item.id)) + 1;
  return {
    "crm.list_customers": tool(
      "List all customers of the company with their contact data and tier. Results are ordered by id. Use paging for long lists.",
      object({ limit, offset }, paging),
      list(CUSTOMER),
      (input) => page(w.customers, input),
    ),
    "crm.get_customer": tool(
      "Get one customer by id, with contact data, tier and all notes that were ever added.",
      object({ id: id("customer") }),
      CUSTOMER,
      (input) => find(w.customers, "id", input.id, "customer"),
    ),
    "crm.search_customers": tool(
      "Search customers by words in their name, email address or city. The search is case-insensitive and matches parts of words.",
      object({ query: text("The words to search for, for example a name or a city"), limit }, ["limit"]),
      list(CUSTOMER),
      (input) =>
        page(
          w.customers.filter((c) => has(c, input.query)),
          input,
        ),
    ),
    "crm.update_customer": tool(
      "Update fields of a customer. Only the fields that are given are changed; all others stay as they are.",
      object(
        {
          id: id("customer"),
          email: text("The new email address", { format: "email" }),
          city: text("The new city"),
          tier: one("The new tier of the customer", "basic", "plus", "gold"),
        },
        ["email", "city", "tier"],
      ),
      CUSTOMER,
      ({ id: of, ...fields }) => change(find(w.customers, "id", of, "customer"), fields),
    ),
    "crm.add_note": tool(
      "Add a note to a customer. Notes are shown to all of the staff and cannot be deleted.",
      object({ id: id("customer"), text: text("The text of the note, plain text without markup") }),
      CUSTOMER,
      (input) => {
        const c = find(w.customers, "id", input.id, "customer");
        c.notes.push(input.text);
        return c;
      },
    ),
    "orders.list": tool(
      "List orders, the oldest first. Can be narrowed to one state and to one customer.",
      object(
        {
          state: one("Only orders in this state", "open", "sent", "paid", "cancelled"),
          customerId: id("customer"),
          limit,
          offset,
        },
        ["state", "customerId", ...paging],
      ),
      list(ORDER),
      (input) =>
        page(
          w.orders.filter(
            (o) =>
              (input.state === undefined || o.state === input.state) &&
              (input.customerId === undefined || o.customerId === input.customerId),
          ),
          input,
        ),
    ),
    "orders.get": tool(
      "Get one order by its id, with all items and the total in EUR.",
      object({ id: id("order") }),
      ORDER,
      (input) => find(w.orders, "id", input.id, "order"),
    ),
    "orders.search": tool(
      "Search orders that contain a product, by its stock keeping unit.",
      object(
        { sku: text("The stock keeping unit of the product, for example P-001", { pattern: "^P-\\d{3}$" }), limit },
        ["limit"],
      ),
      list(ORDER),
      (input) =>
        page(
          w.orders.filter((o) => o.items.some((i) => i.sku === input.sku)),
          input,
        ),
    ),
    "orders.cancel": tool(
      "Cancel an order that has not been sent yet. A reason has to be given, which the customer is told.",
      object({ id: id("order"), reason: text("Why the order is cancelled, in words for the customer") }),
      ORDER,
      (input) => change(find(w.orders, "id", input.id, "order"), { state: "cancelled" }),
    ),
    "orders.refund": tool(
      "Refund a part of an order or all of it to the customer's means of payment. This cannot be undone.",
      object({
        id: id("order"),
        amount: {
          type: "number",
          description: "The amount to pay back in EUR, at most the total",
          exclusiveMinimum: 0,
        },
      }),
      object({ id: id("order"), refunded: { type: "number" } }),
      (input) => ({ id: find(w.orders, "id", input.id, "order").id, refunded: input.amount }),
    ),
    "orders.add_item": tool(
      "Add pieces of a product to an order that is still open. The total is worked out anew.",
      object({
        id: id("order"),
        sku: text("The stock keeping unit of the product"),
        quantity: number("How many pieces to add", { minimum: 1 }),
      }),
      ORDER,
      (input) => {
        const o = find(w.orders, "id", input.id, "order");
        o.items.push({ sku: input.sku, quantity: input.quantity });
        o.total += find(w.products, "sku", input.sku, "product").price * input.quantity;
        return o;
      },
    ),
    "products.list": tool(
      "List the products of the catalogue with price and stock, ordered by stock keeping unit.",
      object({ category: one("Only products of this category", "drink", "ware", "gift"), limit, offset }, [
        "category",
        ...paging,
      ]),
      list(PRODUCT),
      (input) =>
        page(
          w.products.filter((p) => input.category === undefined || p.category === input.category),
          input,
        ),
    ),
    "products.get": tool(
      "Get one product by its stock keeping unit, with its current price and stock.",
      object({ sku: text("The stock keeping unit of the product, for example P-001") }),
      PRODUCT,
      (input) => find(w.products, "sku", input.sku, "product"),
    ),
    "products.search": tool(
      "Search products by words in their name. The search is case-insensitive.",
      object({ query: text("The words to search for"), limit }, ["limit"]),
      list(PRODUCT),
      (input) =>
        page(
          w.products.filter((p) => has(p.name, input.query)),
          input,
        ),
    ),
    "products.set_price": tool(
      "Set the price of a product from now on. Orders that were placed before keep their price.",
      object({
        sku: text("The stock keeping unit of the product"),
        price: { type: "number", description: "The new price in EUR, including tax", minimum: 0 },
      }),
      PRODUCT,
      ({ sku, price }) => change(find(w.products, "sku", sku, "product"), { price }),
    ),
    "products.set_stock": tool(
      "Set how many pieces of a product are in stock, after counting them.",
      object({
        sku: text("The stock keeping unit of the product"),
        stock: number("The number of pieces that were counted", { minimum: 0 }),
      }),
      PRODUCT,
      ({ sku, stock }) => change(find(w.products, "sku", sku, "product"), { stock }),
    ),
    "tickets.list": tool(
      "List support tickets. Can be narrowed to a state, a priority and the member of staff that a ticket is assigned to.",
      object(
        {
          state: one("Only tickets in this state", "open", "waiting", "closed"),
          priority: one("Only tickets of this priority", "low", "normal", "high"),
          assigneeId: id("member of staff, 0 for tickets that nobody has"),
          limit,
          offset,
        },
        ["state", "priority", "assigneeId", ...paging],
      ),
      list(TICKET),
      (input) =>
        page(
          w.tickets.filter((t) =>
            ["state", "priority", "assigneeId"].every((key) => input[key] === undefined || t[key] === input[key]),
          ),
          input,
        ),
    ),
    "tickets.get": tool(
      "Get one support ticket by its id, with all comments.",
      object({ id: id("ticket") }),
      TICKET,
      (input) => find(w.tickets, "id", input.id, "ticket"),
    ),
    "tickets.create": tool(
      "Create a support ticket on behalf of a customer. It is open and belongs to nobody at first.",
      object({
        customerId: id("customer"),
        subject: text("What it is about, in a few words"),
        priority: one("How urgent it is", "low", "normal", "high"),
      }),
      TICKET,
      (input) =>
        add(w.tickets, {
          id: newId(w.tickets),
          state: "open",
          assigneeId: 0,
          openedAt: "2026-04-01",
          comments: [],
          ...input,
        }),
    ),
    "tickets.assign": tool(
      "Assign a support ticket to a member of staff, who is told by mail.",
      object({ id: id("ticket"), assigneeId: id("member of staff") }),
      TICKET,
      (input) => change(find(w.tickets, "id", input.id, "ticket"), { assigneeId: input.assigneeId }),
    ),
    "tickets.close": tool(
      "Close a support ticket. The customer is told the resolution by mail.",
      object({ id: id("ticket"), resolution: text("What has been done, in words for the customer") }),
      TICKET,
      (input) => change(find(w.tickets, "id", input.id, "ticket"), { state: "closed" }),
    ),
    "tickets.comment": tool(
      "Add an internal comment to a support ticket. Customers do not see comments.",
      object({ id: id("ticket"), text: text("The text of the comment") }),
      TICKET,
      (input) => {
        const t = find(w.tickets, "id", input.id, "ticket");
        t.comments.push(input.text);
        return t;
      },
    ),
    "invoices.list": tool(
      "List invoices. Can be narrowed to one state and to one customer.",
      object(
        {
          state: one("Only invoices in this state", "draft", "sent", "paid", "overdue"),
          customerId: id("customer"),
          limit,
          offset,
        },
        ["state", "customerId", ...paging],
      ),
      list(INVOICE),
      (input) =>
        page(
          w.invoices.filter(
            (i) =>
              (input.state === undefined || i.state === input.state) &&
              (input.customerId === undefined || i.customerId === input.customerId),
          ),
          input,
        ),
    ),
    "invoices.get": tool("Get one invoice by its id.", object({ id: id("invoice") }), INVOICE, (input) =>
      find(w.invoices, "id", input.id, "invoice"),
    ),
    "invoices.create": tool(
      "Create an invoice for an order, as a draft that can still be changed.",
      object({ orderId: id("order"), currency: one("The currency in which the customer pays", "EUR", "NOK") }),
      INVOICE,
      (input) => {
        const o = find(w.orders, "id", input.orderId, "order");
        return add(w.invoices, {
          id: newId(w.invoices),
          orderId: o.id,
          customerId: o.customerId,
          amount: o.total,
          currency: input.currency,
          state: "draft",
        });
      },
    ),
    "invoices.send": tool(
      "Send an invoice to the customer by mail. A draft becomes final by that.",
      object({ id: id("invoice") }),
      INVOICE,
      (input) => change(find(w.invoices, "id", input.id, "invoice"), { state: "sent" }),
    ),
    "invoices.mark_paid": tool(
      "Note that an invoice has been paid, with the date on which the money arrived.",
      object({ id: id("invoice"), date: text("The date of the payment, YYYY-MM-DD", { format: "date" }) }),
      INVOICE,
      (input) => change(find(w.invoices, "id", input.id, "invoice"), { state: "paid" }),
    ),
    "shipments.list": tool(
      "List shipments with their carrier and where they are. Can be narrowed to one state.",
      object({ state: one("Only shipments in this state", "packed", "moving", "delivered", "lost"), limit, offset }, [
        "state",
        ...paging,
      ]),
      list(SHIPMENT),
      (input) =>
        page(
          w.shipments.filter((s) => input.state === undefined || s.state === input.state),
          input,
        ),
    ),
    "shipments.get": tool("Get one shipment by its id.", object({ id: id("shipment") }), SHIPMENT, (input) =>
      find(w.shipments, "id", input.id, "shipment"),
    ),
    "shipments.track": tool(
      "Find the shipment of an order, with its carrier and where it is now.",
      object({ orderId: id("order") }),
      SHIPMENT,
      (input) => find(w.shipments, "orderId", input.orderId, "shipment of order"),
    ),
    "shipments.create": tool(
      "Create a shipment for an order and have a carrier collect it.",
      object({ orderId: id("order"), carrier: one("The carrier that collects it", "DHL", "Bring", "DPD") }),
      SHIPMENT,
      (input) => add(w.shipments, { id: newId(w.shipments), state: "packed", ...input }),
    ),
    "shipments.cancel": tool(
      "Cancel a shipment that has not been collected yet.",
      object({ id: id("shipment") }),
      object({ id: id("shipment"), cancelled: { type: "boolean" } }),
      (input) => ({ id: find(w.shipments, "id", input.id, "shipment").id, cancelled: true }),
    ),
    "calendar.list_events": tool(
      "List the events in the calendar of a member of staff on a day, ordered by hour.",
      object({ staffId: id("member of staff"), date: text("The day, YYYY-MM-DD", { format: "date" }) }),
      list(EVENT),
      (input) =>
        w.events
          .filter((e) => e.staffId === input.staffId && e.date === input.date)
          .toSorted((a, b) => a.hour - b.hour),
    ),
    "calendar.create_event": tool(
      "Create an event of one hour in the calendar of a member of staff.",
      object({
        staffId: id("member of staff"),
        title: text("The title of the event"),
        date: text("The day, YYYY-MM-DD"),
        hour: number("The hour at which it begins, from 9 to 17", { minimum: 9, maximum: 17 }),
      }),
      EVENT,
      (input) => add(w.events, { id: newId(w.events), ...input }),
    ),
    "calendar.delete_event": tool(
      "Delete an event from the calendar. Those who were invited are told.",
      object({ id: id("event") }),
      object({ deleted: { type: "boolean" } }),
      (input) => {
        w.events.splice(w.events.indexOf(find(w.events, "id", input.id, "event")), 1);
        return { deleted: true };
      },
    ),
    "calendar.free_hours": tool(
      "Find the hours from 9 to 17 at which a member of staff has no event on a day.",
      object({ staffId: id("member of staff"), date: text("The day, YYYY-MM-DD") }),
      list(number("Hour")),
      (input) =>
        [9, 10, 11, 12, 13, 14, 15, 16, 17].filter(
          (hour) => !w.events.some((e) => e.staffId === input.staffId && e.date === input.date && e.hour === hour),
        ),
    ),
    "mail.send": tool(
      "Send a mail from the company's address. It is sent at once and cannot be taken back.",
      object({
        to: text("The address of the recipient", { format: "email" }),
        subject: text("The subject line"),
        body: text("The body of the mail, plain text"),
      }),
      MAIL,
      (input) => add(w.mails, { id: newId(w.mails), ...input }),
    ),
    "mail.search": tool(
      "Search mails that were sent, by words in their subject or body.",
      object({ query: text("The words to search for"), limit }, ["limit"]),
      list(MAIL),
      (input) =>
        page(
          w.mails.filter((m) => has(m, input.query)),
          input,
        ),
    ),
    "mail.read": tool("Read one mail by its id.", object({ id: id("mail") }), MAIL, (input) =>
      find(w.mails, "id", input.id, "mail"),
    ),
    "weather.current": tool(
      "Get the current weather in a city: the temperature in degrees Celsius, and whether it rains.",
      object({ city: text("The name of the city, in English") }),
      object({ city: text("City"), celsius: { type: "number" }, rain: { type: "boolean" } }),
      (input) => weatherOf(input.city),
    ),
    "weather.forecast": tool(
      "Get the forecast of the weather in a city for up to seven days.",
      object({
        city: text("The name of the city, in English"),
        days: number("How many days", { minimum: 1, maximum: 7 }),
      }),
      list(object({ day: number("Days from now"), celsius: { type: "number" } })),
      (input) =>
        Array.from({ length: input.days }, (_, day) => ({ day, celsius: weatherOf(input.city).celsius + day })),
    ),
    "currency.rate": tool(
      "Get the exchange rate between two currencies, as the European Central Bank has published it.",
      object({
        from: one("The currency to convert from", "EUR", "NOK", "USD"),
        to: one("The currency to convert to", "EUR", "NOK", "USD"),
      }),
      object({ rate: { type: "number" } }),
      (input) => ({ rate: w.rates[input.to] / w.rates[input.from] }),
    ),
    "currency.convert": tool(
      "Convert an amount of money from one currency into another one, at today's rate, rounded to cents.",
      object({
        amount: { type: "number", description: "The amount to convert" },
        from: one("The currency to convert from", "EUR", "NOK", "USD"),
        to: one("The currency to convert to", "EUR", "NOK", "USD"),
      }),
      object({ amount: { type: "number" } }),
      (input) => ({ amount: Math.round((input.amount * w.rates[input.to] * 100) / w.rates[input.from]) / 100 }),
    ),
    "staff.list": tool(
      "List the members of staff with their team.",
      object({ team: one("Only members of this team", "support", "sales", "logistics") }, ["team"]),
      list(STAFF),
      (input) => w.staff.filter((s) => input.team === undefined || s.team === input.team),
    ),
    "staff.get": tool("Get one member of staff by id.", object({ id: id("member of staff") }), STAFF, (input) =>
      find(w.staff, "id", input.id, "member of staff"),
    ),
  };
}

function tool(description, input, output, run) {
  return { description, input, output, run };
}
