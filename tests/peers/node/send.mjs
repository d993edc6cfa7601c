// Sends one class with the npm package soap: send.mjs ADDRESS KEY CUSTOMER-CODE CUSTOMER-NAME YEAR DAY CREATED.
// Prints what came back as JSON; exit 0 after a confirmation, 3 after a Fault.

import soap from "soap";

const AUTORISATIE = "http://www.edustandaard.nl/leerresultaten/2/autorisatie";
const [address, key, code, name, year, day, created] = process.argv.slice(2);
const upTo = (most) => Array.from({ length: most }, (_, index) => index + 1);

const message = {
  school: { schooljaar: year, brincode: "99XX", aanmaakdatum: created, xsdversie: "2.2" },
  toetsafnames: {
    toetsafname: upTo(31).map((pupil) => ({
      leerlingid: `L${pupil}`,
      resultaten: {
        resultaat: upTo(28).map((question) => ({
          attributes: { key: `L${pupil}-V${question}` },
          afnamedatum: day,
          toetscode: "T1",
          toetsonderdeelcode: `V${question}`,
          score: (pupil * question) % 4,
        })),
      },
    })),
  },
  toetsen: {
    toets: [
      {
        toetscode: "T1",
        toetsnaam: "Rekenen & tellen",
        toetsonderdelen: {
          toetsonderdeel: upTo(28).map((question) => ({
            toetsonderdeelvolgnummer: question,
            toetsonderdeelcode: `V${question}`,
          })),
        },
      },
    ],
  },
};

const client = await soap.createClientAsync(`${address}?wsdl`);
client.addSoapHeader(
  { autorisatie: { autorisatiesleutel: key, klantcode: code, klantnaam: name } }, "", "aut", AUTORISATIE,
);
try {
  const [answer] = await client.BrengLeerresultatenAsync(message);
  console.log(JSON.stringify({ answer }));
} catch (error) {
  const fault = error.root?.Envelope?.Body?.Fault;
  console.log(JSON.stringify({ faultcode: String(fault?.faultcode), message: error.message }));
  process.exitCode = 3;
}
