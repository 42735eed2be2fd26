package alchemesh.nifi;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.behavior.TriggerSerially;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.annotation.lifecycle.OnStopped;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.processor.AbstractProcessor;
import org.apache.nifi.processor.ProcessContext;
import org.apache.nifi.processor.ProcessSession;
import org.apache.nifi.processor.Relationship;
import org.apache.nifi.processor.exception.ProcessException;

/**
 * Reads a topic as NiFi's ConsumeKafka_2_6 does, with the same properties: one flow file for each partition of a poll, or for each
 * event where no demarcator is set. Offsets are committed once the session is: an event is read again rather than lost.
 */
@TriggerSerially
@InputRequirement(InputRequirement.Requirement.INPUT_FORBIDDEN)
@Tags({"Kafka", "Consume"})
@CapabilityDescription("Consumes events of a Kafka topic, at least once.")
public class ConsumeKafka extends AbstractProcessor {

    static final PropertyDescriptor SERVERS = Properties.required("bootstrap.servers", "Kafka Brokers");
    static final PropertyDescriptor TOPIC = Properties.required("topic", "Topic Name(s)");
    static final PropertyDescriptor GROUP = Properties.required("group.id", "Group ID");
    static final PropertyDescriptor RESET =
        Properties.choice("auto.offset.reset", "Offset Reset", "latest", "earliest", "latest", "none").build();
    static final PropertyDescriptor DEMARCATOR = Properties.text("message-demarcator", "Message Demarcator").build();
    static final PropertyDescriptor MAX_RECORDS =
        Properties.text("max.poll.records", "Max Poll Records").defaultValue("10000").build();
    static final PropertyDescriptor PROTOCOL = Properties.choice("security.protocol", "Security Protocol", "PLAINTEXT",
        "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL").build();
    static final PropertyDescriptor MECHANISM = Properties.choice("sasl.mechanism", "SASL Mechanism", "GSSAPI",
        "GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512").build();
    static final PropertyDescriptor USERNAME = Properties.text("sasl.username", "Username").build();
    static final PropertyDescriptor PASSWORD = Properties.text("sasl.password", "Password").sensitive(true).build();

    static final Relationship SUCCESS = new Relationship.Builder().name("success").description("Events").build();

    private static final Duration POLL = Duration.ofMillis(500);

    private KafkaConsumer<byte[], byte[]> consumer;

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(SERVERS, PROTOCOL, MECHANISM, USERNAME, PASSWORD, TOPIC, GROUP, RESET, DEMARCATOR, MAX_RECORDS);
    }

    @Override
    public Set<Relationship> getRelationships() {
        return Set.of(SUCCESS);
    }

    @Override
    public void onTrigger(ProcessContext context, ProcessSession session) throws ProcessException {
        try {
            if (consumer == null) {
                consumer = connect(context);
            }
            ConsumerRecords<byte[], byte[]> events = consumer.poll(POLL);
            if (events.isEmpty()) {
                context.yield();
                return;
            }
            String demarcator = context.getProperty(DEMARCATOR).getValue();
            Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
            for (TopicPartition partition : events.partitions()) {
                List<ConsumerRecord<byte[], byte[]>> records = events.records(partition);
                write(session, partition, records, demarcator);
                read.put(partition, new OffsetAndMetadata(records.get(records.size() - 1).offset() + 1));
            }
            KafkaConsumer<byte[], byte[]> reader = consumer;
            session.commitAsync(() -> reader.commitSync(read), ignored -> close());
        } catch (KafkaException error) {
            close(); // what was not committed is read again by the next one
            throw new ProcessException("Kafka: " + error.getMessage(), error);
        }
    }

    @OnStopped
    public void close() {
        if (consumer != null) {
            consumer.close();
            consumer = null;
        }
    }

    private KafkaConsumer<byte[], byte[]> connect(ProcessContext context) {
        Map<String, Object> settings = new HashMap<>();
        for (PropertyDescriptor property : List.of(SERVERS, GROUP, RESET, MAX_RECORDS, PROTOCOL)) {
            settings.put(property.getName(), context.getProperty(property).getValue());
        }
        String mechanism = context.getProperty(MECHANISM).getValue();
        if (context.getProperty(PROTOCOL).getValue().startsWith("SASL")) {
            settings.put("sasl.mechanism", mechanism);
            settings.put("sasl.jaas.config", String.format("%s required username=\"%s\" password=\"%s\";",
                mechanism.startsWith("SCRAM")
                    ? "org.apache.kafka.common.security.scram.ScramLoginModule"
                    : "org.apache.kafka.common.security.plain.PlainLoginModule",
                context.getProperty(USERNAME).getValue(), context.getProperty(PASSWORD).getValue()));
        }
        settings.put("enable.auto.commit", "false");
        settings.put("isolation.level", "read_committed");
        KafkaConsumer<byte[], byte[]> made =
            new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        made.subscribe(List.of(context.getProperty(TOPIC).getValue().split("\\s*,\\s*")));
        return made;
    }

    private void write(ProcessSession session, TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records,
        String demarcator) {
        List<List<ConsumerRecord<byte[], byte[]>>> files = new ArrayList<>();
        if (demarcator == null) {
            records.forEach(record -> files.add(List.of(record)));
        } else {
            files.add(records);
        }
        byte[] between = demarcator == null ? new byte[0] : demarcator.getBytes(StandardCharsets.UTF_8);
        for (List<ConsumerRecord<byte[], byte[]>> content : files) {
            FlowFile file = session.write(session.create(), out -> {
                boolean first = true;
                for (ConsumerRecord<byte[], byte[]> record : content) {
                    if (!first) {
                        out.write(between);
                    }
                    first = false;
                    if (record.value() != null) {
                        out.write(record.value());
                    }
                }
            });
            file = session.putAllAttributes(file, Map.of(
                "kafka.topic", partition.topic(),
                "kafka.partition", String.valueOf(partition.partition()),
                "kafka.offset", String.valueOf(content.get(0).offset()),
                "kafka.count", String.valueOf(content.size())));
            session.getProvenanceReporter().receive(file, "kafka://" + partition);
            session.transfer(file, SUCCESS);
        }
    }
}
