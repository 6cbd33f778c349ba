// Finds the sentences that mean most nearly the same as a question. The embedded sentence model needs no key.
const sentences = [
  "The train to the coast leaves at nine in the morning.",
  "Bread tastes best on the day it is baked.",
  "Our cat sleeps on the warm radiator.",
  "The bus to the airport stops in front of the station.",
  "A pinch of salt makes the soup better.",
];
const question = "How do I travel to the sea?";

const vectors = await embeddings.generateEmbeddings(sentences);
const wanted = await embeddings.generateEmbeddingAsync(question);

const ranked = sentences
  .map((sentence, i) => ({ sentence, similarity: embeddings.cosineSimilarity(wanted, vectors[i]) }))
  .sort((a, b) => b.similarity - a.similarity);

console.log(question);
for (const { sentence, similarity } of ranked.slice(0, 3)) console.log(`  ${similarity.toFixed(2)}  ${sentence}`);

const model = embeddings.getModel();
console.log(`(${model.name}, ${model.dimensions} dimensions)`);
