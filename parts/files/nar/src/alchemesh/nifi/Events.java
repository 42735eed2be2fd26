package alchemesh.nifi;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.processor.ProcessSession;
import org.apache.nifi.processor.Relationship;

/** Events of a topic, as flow files with the attributes that NiFi's own consumers give them. */
public final class Events {

    private Events() {
    }

    /** A consumer that commits nothing by itself, and reads what is committed only. */
    public static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> given, List<String> topics) {
        Map<String, Object> settings = new HashMap<>(given);
        settings.put("enable.auto.commit", "false");
        settings.put("isolation.level", "read_committed");
        KafkaConsumer<byte[], byte[]> made =
            new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        made.subscribe(topics);
        return made;
    }

    /** What a client adds to its settings to log in with a user and a password. */
    public static void logIn(Map<String, Object> settings, String mechanism, String username, String password) {
        settings.put("sasl.mechanism", mechanism);
        settings.put("sasl.jaas.config", String.format("%s required username=\"%s\" password=\"%s\";",
            mechanism.startsWith("SCRAM")
                ? "org.apache.kafka.common.security.scram.ScramLoginModule"
                : "org.apache.kafka.common.security.plain.PlainLoginModule",
            username, password));
    }

    /**
     * One flow file for each partition of a poll, or for each event without a demarcator.
     *
     * @return the offsets to commit once the session is.
     */
    public static Map<TopicPartition, OffsetAndMetadata> write(ProcessSession session, ConsumerRecords<byte[], byte[]> events,
        String demarcator, Relationship success) {
        Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
        for (TopicPartition partition : events.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> records = events.records(partition);
            write(session, partition, records, demarcator, success);
            read.put(partition, new OffsetAndMetadata(records.get(records.size() - 1).offset() + 1));
        }
        return read;
    }

    private static void write(ProcessSession session, TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records,
        String demarcator, Relationship success) {
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
            session.transfer(file, success);
        }
    }
}
