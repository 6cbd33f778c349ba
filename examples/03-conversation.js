// Keeps a conversation over several turns, and branches it: each branch knows only what was said before it.
const step = new ChatStepFactory().newStep();

async function ask(conversation, question) {
  conversation.addMessage("user", question);
  const [answer] = await step.startAsync(conversation);
  conversation.append(answer);
  console.log(`> ${question}\n${answer}\n`);
}

const conversation = new Conversation();
conversation.addMessage("system", "Anna likes green tea. Ben grows tomatoes on the roof.");
await ask(conversation, "What does Anna like?");

const afterAnna = conversation.getMessages().at(-1)?.id;
await ask(conversation, "And what does Ben grow?");

// A message with another parent starts a branch there. The first branch stays as it was.
conversation.addMessage("user", "echo: A different question altogether.", { parentID: afterAnna });
const [answer] = await step.startAsync(conversation);
conversation.append(answer);

console.log("The current thread:");
for (const { id } of conversation.getMessages()) console.log(`  ${conversation.getMessageView(id)}`);
