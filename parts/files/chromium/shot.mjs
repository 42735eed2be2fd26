// Draws a page: node shot.mjs PROGRAM PAGE PICTURE light|dark WIDTH HEIGHT. Prints the complaints of the page as JSON.
import puppeteer from "puppeteer-core";

const [program, address, picture, scheme, width, height] = process.argv.slice(2);
const complaints = [];
const browser = await puppeteer.launch({
  executablePath: program,
  // No sandbox: the pages are those of the tests, and a container may not allow one.
  args: ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
  headless: "shell",
  pipe: true,
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== address) complaints.push(`loads ${request.url()}`);
  });
  await page.setViewport({ width: Number(width), height: Number(height) });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address);
  await page.screenshot({ path: picture, fullPage: true });
} finally {
  await browser.close();
}
console.log(JSON.stringify(complaints));
