// puts.mjs PORT TABLE CONNECTIONS SECONDS - a conditional put for each bet, one under way on each
// connection; prints puts a second, their mean latency and what the processor was used for it.
import http from "node:http";

const [port, table, connections, seconds] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const headers = {
  "Content-Type": "application/x-amz-json-1.0",
  "X-Amz-Date": "20300101T000000Z",
  "Authorization": "AWS4-HMAC-SHA256 Credential=a/20300101/eu-west-1/dynamodb/aws4_request, " +
    "SignedHeaders=host, Signature=0",
};

function ask(target, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request({
      port, agent, host: "127.0.0.1", method: "POST",
      headers: { ...headers, "X-Amz-Target": `DynamoDB_20120810.${target}`,
        "Content-Length": text.length },
    }, (answer) => {
      let said = "";
      answer.on("data", (piece) => { said += piece; });
      answer.on("end", () => answer.statusCode === 200 ? resolve() : reject(new Error(said)));
    });
    request.on("error", reject);
    request.end(text);
  });
}

const begin = process.hrtime.bigint(), end = begin + BigInt(seconds) * 1000000000n;
let puts = 0, waited = 0n, next = 0;

async function customer() {
  while (process.hrtime.bigint() < end) {
    const number = String(next++), at = process.hrtime.bigint();
    await ask("PutItem", {
      TableName: table,
      Item: { user_id: { S: `user-${next % 2000}` }, bet_id: { S: `${number}#000` },
        event_id: { S: "event-1" }, market_id: { S: "1.23" }, selection_id: { S: "11" },
        odds: { N: "2.1" }, stake: { N: "1" }, status: { S: "PLACED" }, created_at: { N: number } },
      ConditionExpression: "attribute_not_exists(bet_id)",
    });
    waited += process.hrtime.bigint() - at;
    puts++;
  }
}

await ask("CreateTable", {
  TableName: table, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "user_id", AttributeType: "S" },
    { AttributeName: "bet_id", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "user_id", KeyType: "HASH" },
    { AttributeName: "bet_id", KeyType: "RANGE" }],
});
await Promise.all(Array.from({ length: Number(connections) }, customer));
const took = Number(process.hrtime.bigint() - begin) / 1e9, used = process.cpuUsage();
console.log(JSON.stringify({
  puts_per_s: Math.round(puts / took), latency_ms_mean: Number(waited / BigInt(puts)) / 1e6,
  generator_cpu_permille: Math.round((used.user + used.system) / took / 1000),
}));
